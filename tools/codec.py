"""Bytes to pixels and back: JPEG, PNG, TIFF and WebP, in the working space and in full bit depth.

One library does all of it, libvips (through pyvips), because it alone has the whole job: it reads and writes 16-bit
RGB (Pillow has none), converts ICC profiles at 16 bits and on several cores (24 megapixels in 0.12 s; Pillow's way, 8
bits only, 0.7 s), tells a truncated file from a whole one, keeps limits against decompression bombs, and is as fast as
anything else at decoding. No second library looks at the file first: two parsers are two attack surfaces, and they
can disagree about the very size that the check is for. Instead the first bytes choose *one* of four fuzzed loaders by
name, so that no other (PDF, SVG, ImageMagick …) can run whatever the file claims to be; the loader reads the header,
its size is checked, and only then are pixels decoded, from the same bytes that were hashed.
"""

import re
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import PhotoError
from tools import exif as exif_block
from tools import iptc as iptc_block
from tools import xmp as xmp_packet
from tools.colour import profile_in, profile_of, to_working_space
from tools.exif import Space
from tools.vips import BROKEN, DECODING, attach, blob, forget_warnings, pyvips, warnings

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

MAX_MEGAPIXELS = 100
MAX_BYTES = 200 * 1024**2

#: Longest side a format can hold.
LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "PNG": 1_000_000, "TIFF": 1_000_000}

#: First bytes of what people also try to open, so that the refusal can name it.
FOREIGN = (
    (rb"GIF8", "a GIF"), (rb"BM....\0\0\0\0", "a BMP"), (rb"%PDF", "a PDF"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file"),
    (rb"\s*<(\?xml|svg|!DOCTYPE)", "an SVG or XML file"), (rb"....ftyp(heic|heix|mif1|msf1|hevc)", "a HEIC photo"),
    (rb"....ftypavi[fs]", "an AVIF photo"), (rb"....ftypcrx|FUJIFILMCCD|IIRO|IIU\0|MMOR", "a camera raw file"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL photo"), (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (rb"8BPS", "a Photoshop document"), (rb"PK\x03\x04", "a ZIP archive"), (rb"....ftyp", "a video"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Decoded:
    """Upright pixels (H, W, 3) and alpha (H, W) or None, uint8 or uint16, in `space`; metadata bytes; dots per inch."""

    pixels: Pixels
    alpha: Pixels | None
    format: str
    space: Space
    exif: bytes | None
    dpi: float
    xmp: bytes | None = None
    iptc: bytes | None = None


def sniff(data: bytes, name: str) -> str:
    """The format ("JPEG", "PNG", "TIFF", "WEBP") by the first bytes. `PhotoError` names anything else."""
    head = data[:64]
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        tags = exif_block.directory(data, exif_block.root(data))
        # DNGVersion, Canon's mark, or a preview (NewSubfileType 1) in front of the sensor data in sub-directories.
        preview = 0x014A in tags and 0xFE in tags and any(tags[0xFE].value)
        if 0xC612 in tags or head[8:10] == b"CR" or preview:
            raise PhotoError(
                f"{name} is a camera raw file; develop it to a JPEG or a 16-bit TIFF first, then open that."
            )
        return "TIFF"
    kind = next((words for pattern, words in FOREIGN if re.match(pattern, head, re.DOTALL)), "not a photo")
    raise PhotoError(f"{name} is {kind}; Burnish opens JPEG, PNG, TIFF and WebP. Convert it, or choose another file.")


def _load(data: bytes, format: str, name: str) -> pyvips.Image:
    """The header read by the one loader of `format`, its size checked; pixels come later."""
    options = {"fail_on": "error", "access": "sequential"}
    load = {
        "JPEG": pyvips.Image.jpegload_buffer, "PNG": pyvips.Image.pngload_buffer,
        "TIFF": pyvips.Image.tiffload_buffer, "WEBP": pyvips.Image.webpload_buffer,
    }[format]  # fmt: skip
    image = load(data, **options)
    if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
        raise PhotoError(
            f"{name} is {image.width} x {image.height} pixels, over the {MAX_MEGAPIXELS} megapixels that Burnish opens; "
            "save a smaller copy first."
        )
    return image


def decode(data: bytes, name: str) -> Decoded:
    """Decode a file's bytes. `PhotoError`, one sentence that says `name`, for all that is not a whole, sound photo."""
    format = sniff(data, name)
    try:
        with DECODING:
            forget_warnings()
            decoded = _decode(data, format, name)
            # A JPEG that breaks off but still has its end mark decodes to grey with no more than a warning.
            sound = format != "JPEG" or _harmless(warnings())
    except BROKEN as error:
        raise PhotoError(_damaged(name, format)) from error
    except MemoryError as error:
        raise PhotoError(f"{name} does not fit in the free memory; close something or save a smaller copy.") from error
    if not sound:
        raise PhotoError(_damaged(name, format))
    return decoded


def _damaged(name: str, format: str) -> str:
    return f"{name} is damaged or cut short, or not really a {format} file; open another copy of it."


def _harmless(said: str) -> bool:
    """Whether all that a JPEG is warned for is what sound photos of real cameras have too, such as padding bytes."""
    known = re.compile(r"JFIF revision|Adobe color transform|\b([0-9]|1[0-6]) extraneous bytes")
    return all(known.search(line) for line in said.splitlines() if "VipsJpeg" in line)


def _decode(data: bytes, format: str, name: str) -> Decoded:
    image = _load(data, format, name)
    bits = {"uchar": 8, "ushort": 16}.get(image.format)
    colours = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb": 3, "rgb16": 3, "cmyk": 4}.get(image.interpretation)
    if bits is None or colours is None or not colours <= image.bands <= 16:
        raise PhotoError(f"{name} has an unusual pixel type ({image.format}); save it as RGB with 8 or 16 bits first.")
    exif = exif_block.from_tiff(data) if format == "TIFF" else blob(image, "exif-data")
    if exif is not None and exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    if exif is not None and (len(exif) > exif_block.MAX_EXIF or exif_block.byte_order(exif) is None):
        exif = None
    colour = image.extract_band(0, n=colours) if image.bands > colours else image
    colour, space = to_working_space(colour, profile_in(image, colours, exif), bits)
    with_alpha = image.bands > colours and (format != "TIFF" or _has_tiff_alpha(data))
    if with_alpha:
        colour = colour.bandjoin(image.extract_band(colours).cast(colour.format))
    values = colour.numpy()
    values = values[..., None] if values.ndim == 2 else values
    alpha = np.ascontiguousarray(values[..., -1]) if with_alpha else None
    pixels = values[..., :-1] if with_alpha else values
    if pixels.shape[2] == 1:
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels[..., 0]), cv2.COLOR_GRAY2RGB)
    turn = exif_block.orientation(exif)
    dots = image.xres * 25.4
    return Decoded(
        pixels=upright(np.ascontiguousarray(pixels), turn),
        alpha=upright(alpha, turn) if alpha is not None else None,
        format=format,
        space=space,
        exif=exif,
        # libvips says 1 pixel a millimetre where the file says nothing.
        dpi=round(dots, 1) if 10 <= dots <= 100_000 and image.xres != 1 else 72.0,
        xmp=_short(blob(image, "xmp-data")),
        iptc=_short(_iptc(image, data, format)),
    )


def _short(block: bytes | None) -> bytes | None:
    return block if block and len(block) <= xmp_packet.MAX_XMP else None


def _iptc(image: pyvips.Image, data: bytes, format: str) -> bytes | None:
    if format == "TIFF":
        # libvips takes the count of 32-bit words for one of bytes.
        tag = exif_block.directory(data, exif_block.root(data)).get(iptc_block.TAG)
        return tag.value if tag else None
    segment = blob(image, "iptc-data")
    return iptc_block.from_photoshop(segment) if segment else None


def _has_tiff_alpha(data: bytes) -> bool:
    """Whether the first extra sample is an opacity: Photoshop also saves selections as extra samples."""
    extra = exif_block.directory(data, exif_block.root(data)).get(0x0152)
    return extra is None or bool(set(extra.value[:2]) & {1, 2})


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels turned and mirrored as EXIF `orientation` 1..8 says; 1 is the identity."""
    if orientation in (5, 6, 7, 8):
        pixels = cv2.transpose(pixels)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return np.ascontiguousarray(pixels if flip is None else cv2.flip(pixels, flip))


#: What libvips writes of an image's metadata: XMP, IPTC and the profile; EXIF is put in by `tools.exif`.
_KEEP = 2 | 4 | 8

# Writing -----------------------------------------------------------------------------------------------------------


def encode(
    pixels: Pixels,
    alpha: Pixels | None = None,
    *,
    format: str,
    space: Space = "srgb",
    bits: int = 8,
    quality: int = 92,
    dpi: float = 72.0,
    exif: bytes | None = None,
    profile: Space | None = None,
    xmp: bytes | None = None,
    iptc: bytes | None = None,
) -> bytes:
    """A file's bytes, with the profile of `space` in it; the same input gives the same bytes.

    `pixels` (H, W, 3) and `alpha` (H, W): uint8 or uint16, the same of both. `bits` 8 or 16 (PNG and TIFF). A JPEG has
    no alpha: the photo is laid on white. `quality` 1..100 is for JPEG (full chroma from 90 on) and WebP. `profile`: convert
    to it from `space`. `iptc` is for JPEG and TIFF, which alone have a place for it.
    """
    height, width = pixels.shape[:2]
    if max(height, width) > LONGEST[format]:
        raise PhotoError(
            f"{format} files hold at most {LONGEST[format]} pixels a side and this photo is {width} x {height}; "
            "save it as .tif or .png."
        )
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    if profile is not None and profile != space:
        image = _converted(image, space, profile)
        space = profile
    if alpha is not None:
        image = image.bandjoin(pyvips.Image.new_from_array(np.ascontiguousarray(alpha)))
    if pixels.dtype == np.uint16 and bits == 8:
        image = (image / 257).rint().cast("uchar")
    elif pixels.dtype == np.uint8 and bits == 16:
        image = (image * 257).cast("ushort")
    image = image.copy(interpretation="rgb16" if bits == 16 else "srgb", xres=dpi / 25.4, yres=dpi / 25.4)
    if alpha is not None and format == "JPEG":
        image = image.flatten(background=255).cast("uchar")
    image = attach(image, profile_of(space))
    if xmp is not None and format != "PNG" and (format != "JPEG" or len(xmp) <= xmp_packet.MAX_JPEG_XMP):
        image.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    if iptc is not None and format == "JPEG":
        image.set_type(pyvips.GValue.blob_type, "iptc-data", iptc_block.into_photoshop(iptc))
    try:
        data = {
            "JPEG": lambda: image.jpegsave_buffer(Q=quality, keep=_KEEP),
            "PNG": lambda: image.pngsave_buffer(compression=3, filter="sub", keep=_KEEP),
            "TIFF": lambda: image.tiffsave_buffer(compression="deflate", predictor="horizontal", level=3, keep=_KEEP),
            "WEBP": lambda: image.webpsave_buffer(Q=quality, effort=2, keep=_KEEP),
        }[format]()
    except (*BROKEN, MemoryError) as error:
        raise PhotoError(f"The photo could not be written as {format}; there may be too little memory.") from error
    if format == "JPEG":
        data = _with_print_size(data, dpi)
    if format == "TIFF" and iptc is not None:
        # libvips counts it in words of four bytes where the file counts bytes, and loses three quarters.
        data = exif_block.with_tag(data, iptc_block.TAG, iptc)
    if format == "PNG" and xmp is not None:
        # libvips would write a chunk for Latin-1 text; the standard wants one for UTF-8.
        data = exif_block.with_chunk(data, b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp)
    return exif_block.embed(data, format, exif) if exif is not None else data


def _converted(image: pyvips.Image, space: Space, profile: Space) -> pyvips.Image:
    """Colour bands from one working space to the other, at the same depth."""
    depth = 16 if image.format == "ushort" else 8
    image = attach(image.copy(interpretation="rgb16" if depth == 16 else "srgb"), profile_of(space))
    return image.icc_transform(profile, embedded=True, intent="relative", black_point_compensation=True, depth=depth)


def _with_print_size(jpeg: bytes, dpi: float) -> bytes:
    """A JPEG with the JFIF segment that says its dots per inch; libvips writes none when it keeps the profile alone."""
    if jpeg[2:4] == b"\xff\xe0":
        return jpeg
    dots = struct.pack(">H", min(round(dpi), 65535))
    return jpeg[:2] + b"\xff\xe0\0\x10JFIF\0\1\1\1" + dots + dots + b"\0\0" + jpeg[2:]
