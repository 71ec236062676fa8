"""IPTC-IIM: captions, keywords and rights as newsrooms write them. JPEG keeps them among Photoshop's resources, TIFF in a tag.

Everything here reads bytes that a stranger may have made: whatever is damaged ends the reading. Layout: IPTC-NAA Information
Interchange Model 4.2, and Adobe's Photoshop file format for the resources around it.
"""

import struct
from collections.abc import Iterator
from typing import Final

#: Longest block that is kept; a JPEG's segment holds little more.
MAX_IPTC: Final = 65_000

_HEAD: Final = b"Photoshop 3.0\0"
_RESOURCE: Final = 0x0404
#: Tag of a TIFF file.
TAG: Final = 0x83BB

#: Data sets of record 2 that say where: content location, city, sub-location, state, country code and name.
_PLACE: Final = frozenset((26, 27, 90, 92, 95, 100, 101))
#: A preview of the old picture.
_PREVIEW: Final = frozenset((200, 201, 202))


def from_photoshop(segment: bytes) -> bytes | None:
    """The IPTC block among the resources of a JPEG's segment; None if there is none."""
    at = len(_HEAD) if segment.startswith(_HEAD) else len(segment)
    while segment[at : at + 4] == b"8BIM" and at + 12 <= len(segment):
        (number,) = struct.unpack_from(">H", segment, at + 4)
        name = segment[at + 6] + 1
        start = at + 6 + name + name % 2 + 4
        if start > len(segment):
            return None
        (size,) = struct.unpack_from(">I", segment, start - 4)
        if number == _RESOURCE:
            return segment[start : start + size]
        at = start + size + size % 2
    return None


def into_photoshop(block: bytes) -> bytes:
    """The segment of a JPEG that holds an IPTC block and nothing else.

    >>> from_photoshop(into_photoshop(b"abc"))
    b'abc'
    """
    return _HEAD + b"8BIM" + struct.pack(">HHI", _RESOURCE, 0, len(block)) + block + bytes(len(block) % 2)


def adjusted(block: bytes, gps: bool = True) -> bytes | None:
    """The block for a new file, without the old preview; `gps` False takes the names of places out too. None if empty.

    >>> adjusted(bytes([28, 2, 5, 0, 1, 65, 28, 2, 90, 0, 2, 66, 66]), gps=False)
    b'\\x1c\\x02\\x05\\x00\\x01A'
    """
    out = b"".join(
        bytes((0x1C, record, number)) + struct.pack(">H", len(value)) + value
        for record, number, value in _sets(block)
        if record == 1 or (record == 2 and number not in _PREVIEW and (gps or number not in _PLACE))
    )
    return out if 0 < len(out) <= MAX_IPTC else None


def _sets(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Data sets as (record, number, value); lengths beyond 32 767 bytes are none of a caption."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        if size > 0x7FFF or at + 5 + size > len(block):
            return
        yield record, number, block[at + 5 : at + 5 + size]
        at += 5 + size
