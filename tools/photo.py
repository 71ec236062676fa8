"""A photo: opened from a file that is never written to, kept as pixels in a working space, and saved as a new file.

Opening and saving are libvips's work (`tools.codec` says why); this module keeps the promises around it. Open: the
size of the file, its format and its pixel count are checked before anything is decoded, from the very bytes that are
hashed. Save: the new file appears whole or not at all, takes no other file's place unless told, and never the
original's. Of XMP and IPTC blocks that is carried over which still holds for the new file (`tools.xmp`, `tools.iptc`).
"""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import PhotoError
from tools import exif as exif_block
from tools import iptc as iptc_block
from tools import xmp as xmp_packet
from tools.codec import MAX_BYTES, MAX_MEGAPIXELS, Pixels, decode, encode
from tools.exif import Space
from tools.vips import pyvips

__all__ = [
    "FORMATS", "MAX_BYTES", "MAX_MEGAPIXELS", "Photo", "encode_preview", "open_bytes", "open_photo", "save_photo",
    "thumbnail",
]  # fmt: skip

SMALLEST, LARGEST = 16, 65_500
"""Long edges in pixels that a photo can be made smaller to."""

#: File name endings and what they mean.
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}


@dataclass(frozen=True, eq=False)
class Photo:
    """One opened photo, upright.

    `pixels`: (H, W, 3), uint8 or uint16 as in the file, sRGB transfer curve, primaries of `space`. `alpha`: (H, W) of
    the same type, or None. `sha256`: of the file's bytes, lower-case hex. `name`: the file name; `path`: where it was
    opened from, absolute, or None. `format`: "JPEG", "PNG", "TIFF" or "WEBP". `exif`: the EXIF block as it was in the
    file (with its orientation, which `pixels` already obey), or None; `xmp` and `iptc` likewise. `facts`: see
    `tools.exif.facts`. `dpi`: for print.
    """

    pixels: Pixels
    alpha: Pixels | None
    sha256: str
    name: str
    format: str
    space: Space = "srgb"
    exif: bytes | None = None
    facts: dict[str, str | float] = field(default_factory=dict)
    path: Path | None = None
    dpi: float = 72.0
    xmp: bytes | None = None
    iptc: bytes | None = None

    @property
    def width(self) -> int:
        """Columns, after orientation."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows, after orientation."""
        return int(self.pixels.shape[0])

    @property
    def bits(self) -> int:
        """8 or 16 bits a channel."""
        return 8 * self.pixels.dtype.itemsize


def said(name: str) -> str:
    """A file name as it may stand in a message: printable and short."""
    plain = "".join(c if c.isprintable() else "?" for c in name)
    return plain if len(plain) <= 80 else f"{plain[:40]}…{plain[-30:]}"


def open_photo(path: str | Path) -> Photo:
    """Open a JPEG, PNG, TIFF (8 or 16 bit) or WebP file. Everything else is a `PhotoError` of one sentence.

    Refused before decoding: over 200 MB, over 100 megapixels, other formats. While decoding: cut short, damaged.
    Of several pages or frames the first is opened.
    """
    path = Path(path).expanduser()
    name = said(path.name or str(path))
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise PhotoError(f"{name} is a folder; choose one photo in it.")
        if not stat.S_ISREG(info.st_mode):
            raise PhotoError(f"{name} is a device or a pipe, not a file; choose a photo file.")
        _refuse_size(info.st_size, name)
        with path.open("rb") as file:
            # One byte more than allowed, for a file that grows meanwhile.
            data = file.read(MAX_BYTES + 1)
        absolute = path.resolve()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoError(f"There is no file {name} there; check the path.") from error
    except PermissionError as error:
        raise PhotoError(f"{name} may not be read; change its permissions or copy it to a folder of yours.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise PhotoError(
            f"{name} could not be read ({_reason(error)}); copy it to this computer and try again."
        ) from error
    return open_bytes(data, path.name, absolute)


def open_bytes(data: bytes, name: str, path: Path | None = None) -> Photo:
    """Open a photo from the bytes of a file called `name`; as `open_photo` otherwise."""
    shown = said(name)
    _refuse_size(len(data), shown)
    seen = decode(data, shown)
    return Photo(
        pixels=seen.pixels,
        alpha=seen.alpha,
        sha256=hashlib.sha256(data).hexdigest(),
        name=name,
        format=seen.format,
        space=seen.space,
        exif=seen.exif,
        facts=exif_block.facts(seen.exif) | ({"has_gps": 1.0} if seen.xmp and xmp_packet.has_gps(seen.xmp) else {}),
        path=path,
        dpi=seen.dpi,
        xmp=seen.xmp,
        iptc=seen.iptc,
    )


def _refuse_size(size: int, name: str) -> None:
    if size == 0:
        raise PhotoError(f"{name} is empty; copy the photo again from where it came.")
    if size > MAX_BYTES:
        raise PhotoError(f"{name} is over {MAX_BYTES // 1024**2} MB; save a smaller copy first.")


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower().rstrip(".")


def save_photo(
    pixels: Pixels,
    like: Photo,
    path: str | Path,
    *,
    format: str | None = None,
    quality: int = 92,
    bits: int | None = None,
    overwrite: bool = False,
    metadata: bool = True,
    gps: bool = True,
    long_edge: int | None = None,
    profile: Space | None = None,
) -> Path:
    """Save (H, W, 3) uint8 or uint16 pixels as a new file with the profile, alpha and metadata of `like`; gives its path.

    `format`: by the name's ending if None. `quality`: 1..100, for JPEG and WebP. `bits`: 8 or 16; None keeps those of
    `pixels` where the format can (PNG, TIFF). `metadata` False leaves out all EXIF, XMP and IPTC, `gps` False only the
    place. `long_edge`: make it smaller, to so many pixels; never larger. `profile`: convert to that space; None keeps it.
    The file appears at once or not at all; an existing one is only replaced with `overwrite`, and the original never.
    The same pixels give the same bytes. `PhotoError`, in one sentence, where it cannot be done.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16) or 0 in pixels.shape:
        raise ValueError(f"pixels must be (H, W, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
    path = Path(path).expanduser()
    form = _format(path, format)
    if not 1 <= quality <= 100:
        raise PhotoError(f"A quality of {quality} does not exist; choose one from 1 to 100.")
    if bits not in (None, 8, 16) or (bits == 16 and form in ("JPEG", "WEBP")):
        raise PhotoError(f"{form} cannot hold {bits} bits; choose 8, or 16 with .png or .tif.")
    if bits is None:
        bits = 8 * pixels.dtype.itemsize if form in ("PNG", "TIFF") else 8
    _refuse_target(path, like, overwrite)
    if long_edge is not None:
        pixels = _smaller(pixels, long_edge)
    height, width = pixels.shape[:2]
    space = profile or like.space
    data = encode(
        pixels,
        _alpha_for(pixels, like.alpha),
        format=form,
        space=like.space,
        bits=bits,
        quality=quality,
        dpi=like.dpi,
        exif=exif_block.adjusted(like.exif, width, height, space, gps) if metadata and like.exif else None,
        profile=profile,
        xmp=xmp_packet.adjusted(like.xmp, gps) if metadata and like.xmp else None,
        iptc=iptc_block.adjusted(like.iptc, gps) if metadata and like.iptc else None,
    )
    try:
        _write(data, path, overwrite)
    except FileExistsError as error:
        raise PhotoError(_taken(path)) from error
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{said(path.name)} cannot be saved in that folder ({_reason(error)}); choose another."
        ) from error
    return path


def _smaller(pixels: Pixels, long_edge: int) -> Pixels:
    """Pixels at `long_edge`, by Lanczos's kernel widened to the step, as printing wants it; the same if small enough."""
    if not SMALLEST <= long_edge <= LARGEST:
        raise PhotoError(f"A long edge of {long_edge} pixels cannot be made; choose {SMALLEST} to {LARGEST}.")
    height, width = pixels.shape[:2]
    scale = long_edge / max(height, width)
    if scale >= 1:
        return pixels
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    wanted = [max(1, round(side * scale)) for side in (width, height)]
    small = image.resize(wanted[0] / width, vscale=wanted[1] / height, kernel="lanczos3")
    return cast("Pixels", np.asarray(small.numpy(), pixels.dtype))


def _format(path: Path, format: str | None) -> str:
    by_name = FORMATS.get(path.suffix.lower())
    form = {"JPG": "JPEG", "TIF": "TIFF"}.get(format.upper(), format.upper()) if format else by_name
    if by_name is None or form not in FORMATS.values():
        raise PhotoError(f"{said(path.name)} says no format that can be saved; end it in .jpg, .png, .tif or .webp.")
    if form != by_name:
        raise PhotoError(f"{said(path.name)} ends like a {by_name} file but {form} was asked; change one of them.")
    return by_name


def _taken(path: Path) -> str:
    return f"{said(path.name)} is there already; choose another name, or allow overwriting."


def _refuse_target(path: Path, like: Photo, overwrite: bool) -> None:
    """Fail early, before the encoding: no such folder, a name that is taken, or the original photo."""
    original = f"{said(path.name)} is the original photo, which is never changed; choose another name."
    try:
        if like.path is not None and path.resolve() == like.path.resolve():
            raise PhotoError(original)
        if not path.parent.is_dir():
            raise PhotoError(f"There is no folder {said(path.parent.name)} to save in; create it or choose another.")
        if not os.path.lexists(path):
            return
        if path.is_dir():
            raise PhotoError(f"{said(path.name)} is a folder; add a file name.")
        if like.path is not None and like.path.exists() and path.exists() and path.samefile(like.path):
            raise PhotoError(original)
        if not overwrite:
            raise PhotoError(_taken(path))
        # The photo may have been opened from a copy of this very file, as an upload is.
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == like.sha256:
                    raise PhotoError(original)
    except (OSError, ValueError, RuntimeError) as error:
        raise PhotoError(
            f"{said(path.name)} cannot be saved there ({_reason(error)}); choose another folder."
        ) from error


def _alpha_for(pixels: Pixels, alpha: Pixels | None) -> Pixels | None:
    """The photo's alpha in the size and type of the pixels to save."""
    if alpha is None:
        return None
    if alpha.shape != pixels.shape[:2]:
        alpha = cv2.resize(alpha, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_AREA)
    if alpha.dtype == pixels.dtype:
        return alpha
    if pixels.dtype == np.uint16:
        return np.multiply(alpha, 257, dtype=np.uint16)
    return ((alpha.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _write(data: bytes, path: Path, overwrite: bool) -> None:
    """Write a temporary neighbour, flush it, then give it its name in one step. `FileExistsError` if that is taken."""
    spare = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.part")
    # Not a tempfile: the new file gets the ordinary permissions, not those of a private one.
    handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(spare, path)
        else:
            _link(spare, path)
    finally:
        with suppress(OSError):
            spare.unlink()
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _link(spare: Path, path: Path) -> None:
    """Give the file its name unless the name is taken, even if another program takes it at the same moment."""
    try:
        os.link(spare, path)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (FAT, some network drives): reserve the name, then replace the reservation.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            os.replace(spare, path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def thumbnail(photo: Photo, long_edge: int) -> NDArray[np.float32]:
    """The photo at `long_edge` pixels, never enlarged: (h, w, 3) float32 in [0, 1], each pixel the mean of its area."""
    height, width = photo.pixels.shape[:2]
    scale = min(1.0, long_edge / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # At 16 bits, so that the mean is not rounded to 8; four times faster than in floats.
    wide = photo.pixels if photo.pixels.dtype == np.uint16 else np.multiply(photo.pixels, 257, dtype=np.uint16)
    small = cv2.resize(wide, size, interpolation=cv2.INTER_AREA) if scale < 1 else wide
    return np.asarray(small.astype(np.float32) / np.float32(65535))


def encode_preview(rgb: NDArray[np.uint8], quality: int = 85, format: str = "JPEG", space: Space = "srgb") -> bytes:
    """The bytes of a JPEG, WEBP or PNG for the screen, of (h, w, 3) uint8 pixels in `space`, with its profile."""
    return encode(np.asarray(rgb, np.uint8), format=format, quality=quality, space=space)
