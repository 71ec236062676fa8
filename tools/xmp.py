"""XMP: the part of a photo's packet that still holds for a retouched copy.

A packet describes the photo (who, what, rights, rating, camera) and also the old file: develop settings that Lightroom would
apply a second time, previews, edit histories, offsets of attached videos, orientation. So what is kept is named, and all else
goes. The packet comes from a stranger: no entities, bounded in size and depth, and whatever is damaged counts as absent.
Layout: ISO 16684-1 (XMP), IPTC Photo Metadata Standard 2023.1.
"""

import re
from typing import Final
from xml.etree import ElementTree

#: Longest packet that is read, and the longest that fits into one segment of a JPEG.
MAX_XMP: Final = 1 << 20
MAX_JPEG_XMP: Final = 65_000
_DEPTH: Final = 12

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META: Final = "adobe:ns:meta/"
_EXIF: Final = "http://ns.adobe.com/exif/1.0/"
_TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
_XMP: Final = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
_CORE: Final = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_EXT: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

#: Namespaces that are kept, with their usual prefixes.
_KEPT: Final = {
    "http://purl.org/dc/elements/1.1/": "dc", _XMP: "xmp", "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    _PHOTOSHOP: "photoshop", _CORE: "Iptc4xmpCore", _EXT: "Iptc4xmpExt", "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://creativecommons.org/ns#": "cc", "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://ns.adobe.com/exif/1.0/aux/": "aux", _EXIF: "exif", "http://cipa.jp/exif/1.0/": "exifEX", _TIFF: "tiff",
    "http://www.digikam.org/ns/1.0/": "digiKam", "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
}  # fmt: skip
#: Of these namespaces only some properties describe the photo rather than the file.
_ONLY: Final = {
    _PHOTOSHOP: frozenset((
        "AuthorsPosition", "CaptionWriter", "Category", "City", "Country", "Credit", "DateCreated", "Headline",
        "Instructions", "Source", "State", "SupplementalCategories", "TransmissionReference", "Urgency",
    )),
    _TIFF: frozenset(("Artist", "Copyright", "DateTime", "ImageDescription", "Make", "Model", "Software")),
    _XMP: frozenset((
        "BaseURL", "CreateDate", "CreatorTool", "Identifier", "Label", "MetadataDate", "ModifyDate", "Nickname", "Rating",
    )),
}  # fmt: skip
_NOT: Final = frozenset(
    f"{{{space}}}{name}"
    for space, names in {
        _EXIF: ("PixelXDimension", "PixelYDimension", "ColorSpace", "MakerNote", "NativeDigest"),
        _EXT: ("ImageRegion",),
    }.items()
    for name in names
)
#: What says where a photo was taken, beside everything of `exif` that begins with GPS.
_PLACE: Final = frozenset(
    f"{{{space}}}{name}"
    for space, names in {
        _PHOTOSHOP: ("City", "State", "Country"),
        _CORE: ("Location", "CountryCode"),
        _EXT: ("LocationCreated", "LocationShown"),
    }.items()
    for name in names
)

for _space, _prefix in {**_KEPT, _RDF: "rdf", _META: "x"}.items():
    ElementTree.register_namespace(_prefix, _space)


def adjusted(packet: bytes, gps: bool = True) -> bytes | None:
    """The packet for a new file; `gps` False takes every word about the place out. None where nothing is left.

    >>> rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    >>> ns = 'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    >>> kept = adjusted(f'<rdf:RDF {rdf}><rdf:Description {ns} xmp:Rating="4" exif:GPSLatitude="1"/></rdf:RDF>'.encode(), False)
    >>> b'Rating="4"' in kept, b"GPS" in kept
    (True, False)
    """
    if len(packet) > MAX_XMP or re.search(rb"<!\s*(DOCTYPE|ENTITY)", packet, re.IGNORECASE):
        return None
    try:
        tree = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))
        found = tree if tree.tag == f"{{{_RDF}}}RDF" else tree.find(f"{{{_RDF}}}RDF")
        if found is None or _deep(found):
            return None
        one = ElementTree.Element(f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
        for part in found.findall(f"{{{_RDF}}}Description"):
            one.attrib |= {name: text for name, text in part.attrib.items() if _stays(name, gps)}
            one.extend(child for child in part if _stays(child.tag, gps))
        if len(one.attrib) == 1 and not len(one):
            return None
        meta = ElementTree.Element(f"{{{_META}}}xmpmeta")
        ElementTree.SubElement(meta, f"{{{_RDF}}}RDF").append(one)
        body = ElementTree.tostring(meta, encoding="utf-8", xml_declaration=False)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return None
    begin = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return begin + body + b'<?xpacket end="w"?>'


def has_gps(packet: bytes) -> bool:
    """Whether a packet says where the photo was taken."""
    kept = adjusted(packet)
    return kept is not None and kept != adjusted(packet, gps=False)


def _stays(name: str, gps: bool) -> bool:
    space, _, short = name.removeprefix("{").partition("}")
    if space not in _KEPT or name in _NOT or short not in _ONLY.get(space, (short,)):
        return False
    return gps or not (name in _PLACE or short.startswith("GPS"))


def _deep(element: ElementTree.Element) -> bool:
    """Whether elements stand in each other deeper than any property does."""
    level = [element]
    for _ in range(_DEPTH):
        level = [child for each in level for child in each]
        if not level:
            return False
    return True
