"""libvips, set up once: silent, without a cache, and with what it leaves open to say whether a file was sound."""

import logging
from threading import Lock

import pyvips


def _text(words: object) -> str:
    """C text as Python text, whatever bytes it is made of."""
    return str(pyvips.ffi.string(words).decode("utf-8", "replace")) if words != pyvips.ffi.NULL else ""


# Warnings quote hostile files: decoded strictly, as pyvips does, they put a traceback on the terminal.
pyvips._to_string = _text
logging.getLogger("pyvips").setLevel(logging.CRITICAL)
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
    return _text(pyvips.vips_lib.vips_error_buffer())


def blob(image: pyvips.Image, field: str) -> bytes | None:
    """A binary metadata field of an image, or None."""
    return bytes(image.get(field)) if image.get_typeof(field) else None


def attach(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """The image with an ICC `profile` embedded."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image
