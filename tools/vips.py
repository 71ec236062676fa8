"""libvips, set up once: silent, without a cache, and with what it leaves open to say whether a file was sound."""

import os
from threading import Lock

# Its warnings quote hostile files: pyvips's log handler decodes them strictly, which puts a traceback on the terminal.
os.environ.setdefault("VIPS_WARNING", "0")

import pyvips

getattr(pyvips, "_remove_log_handler", lambda: None)()
# The cache would keep decoded photos alive; each is opened once here.
pyvips.cache_set_max(0)

#: What libvips raises on a bad file; its error text may not even be UTF-8.
BROKEN = (pyvips.Error, UnicodeDecodeError)

#: Held while decoding: warnings go to one text buffer for the whole process.
DECODING = Lock()


def forget_warnings() -> None:
    """Empty the buffer of errors and warnings."""
    pyvips.vips_lib.vips_error_clear()


def warnings() -> str:
    """What has been warned of since `forget_warnings`, also where no operation failed."""
    return str(pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer()).decode("utf-8", "replace"))


def blob(image: pyvips.Image, field: str) -> bytes | None:
    """A binary metadata field of an image, or None."""
    return bytes(image.get(field)) if image.get_typeof(field) else None


def attach(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """The image with an ICC `profile` embedded."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image
