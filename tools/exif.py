"""EXIF: what it says about a photo, and the few tags a new file must change.

EXIF is kept as its own bytes (a small TIFF structure that begins with ``II`` or ``MM``) and patched in place: rewriting
it would move the camera's maker note, whose inner offsets then point nowhere. Only TIFF files, which have no EXIF block
of their own, are read into one and written from one (tag by tag; there the maker note moves).

Everything here reads bytes that a stranger may have made: every offset is checked, whatever is damaged counts as
absent, and nothing raises on bad input. Layout: Exif 2.32 (CIPA DC-008) and TIFF 6.0.
"""

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

Space = Literal["srgb", "p3"]

#: Bytes of one element by TIFF type (BYTE, ASCII, SHORT, LONG, RATIONAL, ... , IFD) and of its smallest part to swap.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
PARTS = {**SIZES, 5: 4, 10: 4}

ORIENTATION, EXIF, GPS, INTEROP = 0x0112, 0x8769, 0x8825, 0xA005
MAKER_NOTE, COLOUR_SPACE, WIDTH, HEIGHT = 0x927C, 0xA001, 0xA002, 0xA003

#: Tags of a TIFF file's own directory that describe the photo rather than its layout.
DESCRIPTIVE = frozenset(
    (
        0x010E,
        0x010F,
        0x0110,
        ORIENTATION,
        0x0131,
        0x0132,
        0x013B,
        0x013C,
        0x4746,
        0x4749,
        0x8298,
        *range(0x9C9B, 0x9CA0),
    )
)

#: A JPEG segment holds 65 533 bytes, six of them the "Exif" marker.
MAX_JPEG_EXIF = 65_527
#: Most bytes and tags that are read of one directory: entries may overlap, so a small file can name many.
MAX_EXIF, MAX_TAGS = 4 * 1024**2, 512


@dataclass(frozen=True)
class Tag:
    """One directory entry: `value` in the file's byte order, `slot` and `at` the offsets of the entry and its value."""

    number: int
    kind: int
    count: int
    value: bytes
    slot: int
    at: int


def byte_order(blob: bytes) -> str | None:
    """The struct prefix of a TIFF structure, ``<`` or ``>``; None if it is not one."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(blob[:4]) if len(blob) >= 8 else None


def directory(blob: bytes, at: int) -> dict[int, Tag]:
    """The readable tags of the directory at offset `at`; the first of a number counts. Empty if there is none."""
    order = byte_order(blob)
    if order is None or not 8 <= at <= len(blob) - 2:
        return {}
    (count,) = struct.unpack_from(order + "H", blob, at)
    tags: dict[int, Tag] = {}
    room = MAX_EXIF
    for slot in range(at + 2, min(at + 2 + 12 * min(count, MAX_TAGS), len(blob) - 11), 12):
        number, kind, items = struct.unpack_from(order + "HHI", blob, slot)
        size = SIZES.get(kind, 0) * items
        where = slot + 8 if size <= 4 else struct.unpack_from(order + "I", blob, slot + 8)[0]
        if 0 < size <= room and where + size <= len(blob):
            room -= size
            tags.setdefault(number, Tag(number, kind, items, blob[where : where + size], slot, where))
    return tags


def root(blob: bytes) -> int:
    """Where the main directory is; 0 if `blob` is no TIFF structure."""
    order = byte_order(blob)
    return struct.unpack_from(order + "I", blob, 4)[0] if order else 0


def _numbers(blob: bytes, tag: Tag | None) -> tuple[float, ...]:
    """The finite values of a numeric tag."""
    code = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}
    if tag is None or tag.kind not in code or tag.count > 64:
        return ()
    parts = struct.unpack(f"{byte_order(blob)}{len(tag.value) // PARTS[tag.kind]}{code[tag.kind]}", tag.value)
    if tag.kind in (5, 10):
        parts = tuple(a / b if b else math.nan for a, b in zip(parts[::2], parts[1::2], strict=True))
    return tuple(float(p) for p in parts if math.isfinite(p))


def _child(blob: bytes, tags: dict[int, Tag], number: int) -> dict[int, Tag]:
    found = _numbers(blob, tags.get(number))
    return directory(blob, int(found[0])) if found else {}


def _text(tag: Tag | None) -> str:
    """A short plain text: a file's words reach logs and language models, so anything but ordinary characters goes."""
    if tag is None or tag.kind not in (2, 7):
        return ""
    words = tag.value[:256].split(b"\0")[0].decode("utf-8", "replace")
    return " ".join("".join(c if c.isalnum() or c in "-_.,+/()&:" else " " for c in words).split())[:64]


def orientation(blob: bytes | None) -> int:
    """The EXIF orientation 1..8; 1 (upright) where it is missing or not one of these."""
    found = _numbers(blob, directory(blob, root(blob)).get(ORIENTATION)) if blob else ()
    return int(found[0]) if found and found[0] in range(1, 9) else 1


def has_gps(blob: bytes | None) -> bool:
    """Whether the EXIF says where the photo was taken."""
    return bool(blob) and GPS in directory(blob or b"", root(blob or b""))


def is_adobe_rgb(blob: bytes | None) -> bool:
    """Whether a camera marked the photo as Adobe RGB without a profile (DCF 2.0: interoperability index ``R03``)."""
    if not blob:
        return False
    exif = _child(blob, directory(blob, root(blob)), EXIF)
    return _text(_child(blob, exif, INTEROP).get(1)).startswith("R03")


def facts(blob: bytes | None) -> dict[str, str | float]:
    """What the camera wrote: camera, lens, datetime (ISO 8601), iso, focal_length (mm), exposure_time (s), f_number.

    `has_gps` is 1.0 where the place is known; the place itself is not read. Missing or impossible values are left out.
    """
    if not blob or byte_order(blob) is None:
        return {}
    main = directory(blob, root(blob))
    exif = _child(blob, main, EXIF)
    said: dict[str, str | float] = {}
    make, model = _text(main.get(0x010F)), _text(main.get(0x0110))
    camera = model if make and model.lower().startswith(make.lower().split()[0]) else f"{make} {model}".strip()
    taken = _text(exif.get(0x9003)) or _text(main.get(0x0132))
    date, _, clock = taken.partition(" ")
    if date[:4].isdigit() and date.count(":") == 2 and date[:4] != "0000":
        taken = f"{date.replace(':', '-')}T{clock}" if clock else date.replace(":", "-")
    for key, words in (("camera", camera), ("lens", _text(exif.get(0xA434))), ("datetime", taken)):
        if words:
            said[key] = words
    limits = {
        "iso": (0x8827, 1e7), "focal_length": (0x920A, 1e4), "exposure_time": (0x829A, 1e5), "f_number": (0x829D, 1e3),
    }  # fmt: skip
    for key, (number, most) in limits.items():
        value = _numbers(blob, exif.get(number))
        if value and 0 < value[0] <= most:
            said[key] = value[0]
    if has_gps(blob):
        said["has_gps"] = 1.0
    return said


def adjusted(blob: bytes, width: int, height: int, space: Space, gps: bool = True) -> bytes | None:
    """The EXIF for a new file of `width` x `height` upright pixels in `space`; `gps` False takes the place out.

    The orientation becomes 1, the size and colour space the new ones; the embedded thumbnail (of the old look) goes.
    All else stays byte for byte where it was. None if `blob` is too damaged to be made right.
    """
    order = byte_order(blob)
    if order is None or len(blob) > MAX_EXIF:
        return None
    out = bytearray(blob)
    main = directory(blob, root(blob))
    exif = _child(blob, main, EXIF)

    def put(tag: Tag | None, value: int) -> None:
        if tag is not None and tag.kind in (1, 3, 4) and value < 256 ** SIZES[tag.kind]:
            struct.pack_into(order + {1: "B", 3: "H", 4: "I"}[tag.kind], out, tag.at, value)

    put(main.get(ORIENTATION), 1)
    for number, value in ((COLOUR_SPACE, 1 if space == "srgb" else 0xFFFF), (WIDTH, width), (HEIGHT, height)):
        put(exif.get(number), value)
    index = _child(blob, exif, INTEROP).get(1)
    if index is not None and index.count == 4:
        out[index.at : index.at + 4] = b"R98\0"
    _drop_thumbnail(out, order)
    if not gps:
        _drop_gps(out, order)
    done = bytes(out)
    # Directories that overlap (a hostile file) may have damaged each other: then no EXIF is better than a wrong one.
    return done if orientation(done) == 1 and (gps or not has_gps(done)) else None


def _drop_thumbnail(out: bytearray, order: str) -> None:
    """Unlink the second directory, blank its picture, and cut it off where it ends the block, as it mostly does."""
    at = root(bytes(out[:8]))
    if not 8 <= at <= len(out) - 2:
        return
    link = at + 2 + 12 * struct.unpack_from(order + "H", out, at)[0]
    if link + 4 > len(out):
        return
    blob = bytes(out)
    second = directory(blob, struct.unpack_from(order + "I", blob, link)[0])
    struct.pack_into(order + "I", out, link, 0)
    start, size = (_numbers(blob, second.get(number)) for number in (0x0201, 0x0202))
    if start and size and 8 <= start[0] < start[0] + size[0] <= len(out):
        first, end = int(start[0]), int(start[0] + size[0])
        out[first:end] = bytes(end - first)
        if end >= len(out) - 1:
            del out[first:]


def _drop_gps(out: bytearray, order: str) -> None:
    """Blank the values and the directory of the place, then take its entry out of the main directory."""
    blob = bytes(out)
    main = directory(blob, root(blob))
    entry = main.get(GPS)
    if entry is None:
        return
    for tag in _child(blob, main, GPS).values():
        out[tag.at : tag.at + len(tag.value)] = bytes(len(tag.value))
        out[tag.slot : tag.slot + 12] = bytes(12)
    at = root(blob)
    count = struct.unpack_from(order + "H", blob, at)[0]
    end = at + 2 + 12 * count + 4
    if end <= len(out):
        out[entry.slot : end] = out[entry.slot + 12 : end] + bytes(12)
        struct.pack_into(order + "H", out, at, count - 1)


Row = tuple[int, int, int, bytes]


def _rows(blob: bytes, tags: dict[int, Tag], largest: int) -> list[Row]:
    """Tags as (number, kind, count, value in little-endian order), without pointers to directories."""
    swap = byte_order(blob) == ">"
    rows: list[Row] = []
    for tag in tags.values():
        if tag.number not in (EXIF, GPS, INTEROP) and len(tag.value) <= largest:
            size = PARTS[tag.kind]
            parts = (
                [tag.value[i : i + size] for i in range(0, len(tag.value), size)] if swap and size > 1 else [tag.value]
            )
            value = b"".join(p[::-1] for p in parts) if swap and size > 1 else tag.value
            rows.append((tag.number, tag.kind, tag.count, value))
    return rows


def _assemble(rows: list[Row], base: int) -> bytes:
    """One little-endian directory with the values behind it, to stand at the even offset `base`."""
    head, tail = struct.pack("<H", len(rows)), b""
    for number, kind, count, value in sorted(rows):
        slot = value.ljust(4, b"\0")
        if len(value) > 4:
            slot = struct.pack("<I", base + 2 + 12 * len(rows) + 4 + len(tail))
            tail += value + bytes(len(value) % 2)
        head += struct.pack("<HHI", number, kind, count) + slot
    return head + bytes(4) + tail


def _tree(blob: bytes, rows: list[Row], base: int, largest: int = MAX_EXIF) -> tuple[bytes, int]:
    """`rows` and the child directories of `blob`, from offset `base` on: the bytes, and where the main directory is."""
    main = directory(blob, root(blob))
    exif = _child(blob, main, EXIF)
    body = b""
    exif_rows = _rows(blob, exif, largest)
    for number, parent, tags in (
        (INTEROP, exif_rows, _child(blob, exif, INTEROP)),
        (GPS, rows, _child(blob, main, GPS)),
    ):
        if tags:
            parent.append((number, 4, 1, struct.pack("<I", base + len(body))))
            body += _assemble(_rows(blob, tags, largest), base + len(body))
    if exif_rows:
        rows.append((EXIF, 4, 1, struct.pack("<I", base + len(body))))
        body += _assemble(exif_rows, base + len(body))
    return body + _assemble(rows, base + len(body)), base + len(body)


def from_tiff(data: bytes, largest: int = 65_536) -> bytes | None:
    """The descriptive tags of a TIFF file as an EXIF block; values over `largest` bytes are left out. None if none."""
    main = directory(data, root(data))
    rows = [row for row in _rows(data, main, largest) if row[0] in DESCRIPTIVE]
    if not rows and not main.keys() & {EXIF, GPS}:
        return None
    body, at = _tree(data, rows, 8, largest)
    return b"II*\0" + struct.pack("<I", at) + body


def into_tiff(data: bytes, blob: bytes) -> bytes:
    """A little-endian TIFF file with the tags of an EXIF block added: a directory at the end replaces the first."""
    own = directory(data, root(data))
    said = _rows(blob, directory(blob, root(blob)), MAX_EXIF)
    rows = _rows(data, own, len(data)) + [row for row in said if row[0] in DESCRIPTIVE and row[0] not in own]
    data += bytes(len(data) % 2)
    body, at = _tree(blob, rows, len(data))
    return data[:4] + struct.pack("<I", at) + data[8:] + body


def with_tag(tiff: bytes, number: int, value: bytes) -> bytes:
    """A little-endian TIFF file without EXIF, with one more tag of plain bytes."""
    rows = _rows(tiff, directory(tiff, root(tiff)), len(tiff))
    tiff += bytes(len(tiff) % 2)
    return (
        tiff[:4]
        + struct.pack("<I", len(tiff))
        + tiff[8:]
        + _assemble([*rows, (number, 7, len(value), value)], len(tiff))
    )


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """An encoded PNG file with one more chunk, before its pixels."""
    where, chunk = png.index(b"IDAT") - 4, kind + body
    return png[:where] + struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[where:]


def embed(data: bytes, format: str, blob: bytes) -> bytes:
    """An encoded JPEG, PNG, WEBP or TIFF file with the EXIF block in it."""
    if format == "TIFF":
        return into_tiff(data, blob)
    if format == "PNG":
        return with_chunk(data, b"eXIf", blob)
    if format == "WEBP":
        # The extended header is there, since a colour profile is always embedded; its flag 0x08 announces EXIF.
        body = bytearray(data[8:] + b"EXIF" + struct.pack("<I", len(blob)) + blob + bytes(len(blob) % 2))
        body[12] |= 0x08
        return data[:4] + struct.pack("<I", len(body)) + bytes(body)
    if len(blob) > MAX_JPEG_EXIF:
        blob = from_tiff(blob, largest=4096) or b""
        if not 0 < len(blob) <= MAX_JPEG_EXIF:
            return data
    where = 4 + struct.unpack_from(">H", data, 4)[0] if data[2:4] == b"\xff\xe0" else 2
    return data[:where] + b"\xff\xe1" + struct.pack(">H", len(blob) + 8) + b"Exif\0\0" + blob + data[where:]
