"""Saving as people export: smaller, in another profile or depth, with the words about the photo and without its place."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, IptcImagePlugin, PngImagePlugin
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab

from models.errors import PhotoError
from models.mask import SoftMask
from models.recipe import Recipe, Setting
from tools import iptc, xmp
from tools.colour import profile_of
from tools.perceive import perceive
from tools.photo import open_bytes, save_photo
from tools.retouch import render_full

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp"}

#: What a photographer's file says, and what must not be told of the new one.
PACKET = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmp:Rating="4" exif:GPSLatitude="48,51.5N" tiff:Orientation="6" tiff:Make="Canon" crs:Exposure2012="+1.5"
 photoshop:City="Paris">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Évening &lt;at&gt; the sea</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>dusk</rdf:li></rdf:Bag></dc:subject>
<crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def iim(*sets: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in sets)


BLOCK = iim((5, b"Sea"), (25, b"dusk"), (90, b"Paris"), (116, b"A. Person"), (202, b"old preview"))


def original(format: str) -> bytes:
    """A file of another program with XMP, and IPTC where it has a place."""
    file, image = io.BytesIO(), Image.fromarray(data.coffee())
    if format == "TIFF":
        tags = {700: PACKET, 0x83BB: BLOCK}
        image.save(file, "TIFF", tiffinfo=tags)
    elif format == "JPEG":
        plain = io.BytesIO()
        image.save(plain, "JPEG", quality=95, xmp=PACKET)
        jpeg, segment = plain.getvalue(), b"Photoshop 3.0\0" + b"8BIM\x04\x0c\0\0\0\0\0\x04old!" + b"8BIM\x04\x04\0\0"
        segment += struct.pack(">I", len(BLOCK)) + BLOCK + bytes(len(BLOCK) % 2)
        file.write(jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:])
    elif format == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_itxt("XML:com.adobe.xmp", PACKET.decode())
        image.save(file, "PNG", pnginfo=words)
    else:
        image.save(file, format, xmp=PACKET, lossless=True)
    return file.getvalue()


def packet_in(path: Path) -> bytes:
    with Image.open(path) as image:
        image.load()
        if image.format == "TIFF":
            return bytes(image.tag_v2.get(700, b""))
        found = (
            image.info.get("xmp")
            or image.info.get("XML:com.adobe.xmp")
            or (image.tag_v2.get(700) if image.format == "TIFF" else None)
        )
    return found if isinstance(found, bytes) else (found or "").encode()


def words_in(path: Path) -> dict[tuple[int, int], object]:
    with Image.open(path) as image:
        return IptcImagePlugin.getiptcinfo(image) or {}


@pytest.mark.parametrize("into", ENDINGS)
@pytest.mark.parametrize("out_of", ENDINGS)
def test_what_describes_the_photo_stays_and_what_describes_the_old_file_goes(
    tmp_path: Path, out_of: str, into: str
) -> None:
    photo = open_bytes(original(out_of), f"sea{ENDINGS[out_of]}")
    saved = save_photo(photo.pixels, photo, tmp_path / f"out{ENDINGS[into]}")
    packet = packet_in(saved)
    for kept in ('xmp:Rating="4"', 'tiff:Make="Canon"', "GPSLatitude", "Paris", "Évening &lt;at&gt; the sea", "dusk"):
        assert kept.encode() in packet
    for gone in (b"crs", b"Exposure", b"Orientation"):
        assert gone not in packet
    if {out_of, into} <= {"JPEG", "TIFF"}:
        words = words_in(saved)
        assert words[2, 5] == b"Sea"
        assert words[2, 116] == b"A. Person"
        assert (2, 202) not in words
        assert b"old preview" not in saved.read_bytes()
    # The copy opens again, and says the same.
    assert open_bytes(saved.read_bytes(), saved.name).xmp == packet


@pytest.mark.parametrize("into", ENDINGS)
def test_the_place_leaves_no_trace(tmp_path: Path, into: str) -> None:
    photo = open_bytes(original("JPEG"), "sea.jpg")
    assert photo.facts["has_gps"]
    saved = save_photo(photo.pixels, photo, tmp_path / f"out{ENDINGS[into]}", gps=False)
    for word in (b"GPS", b"48,51", b"Paris"):
        assert word not in saved.read_bytes()
    assert b"Rating" in packet_in(saved)
    bare = save_photo(photo.pixels, photo, tmp_path / f"bare{ENDINGS[into]}", metadata=False)
    assert not packet_in(bare)
    assert b"A. Person" not in bare.read_bytes()


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"<x", b"\0" * 100, b"<a/>", PACKET[:-40], PACKET.replace(b"utf", b"\xff"),
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + PACKET.partition(b"?>")[2],
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>' + b"<a>" * 5000
        + b"</a>" * 5000 + b"</rdf:Description></rdf:RDF>",
        b" " * (xmp.MAX_XMP + 1),
    ],
)  # fmt: skip
def test_a_bad_packet_counts_as_none(packet: bytes) -> None:
    found = xmp.adjusted(packet)
    assert found is None or b"xmpmeta" in found
    assert found is None or b"ENTITY" not in found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: BLOCK[:30] + tail))
def test_any_bytes_may_stand_where_iptc_should(block: bytes) -> None:
    made = iptc.adjusted(block)
    assert made is None or iptc.adjusted(made) == made
    assert iptc.from_photoshop(b"Photoshop 3.0\0" + block) is None or block.startswith(b"8BIM")


def test_smaller_has_the_asked_edge_and_the_same_look(tmp_path: Path) -> None:
    photo = open_bytes(original("PNG"), "sea.png")
    saved = save_photo(photo.pixels, photo, tmp_path / "small.png", long_edge=300)
    with Image.open(saved) as image:
        assert image.size == (300, 200)
        small = np.asarray(image)
        reference = np.asarray(Image.fromarray(photo.pixels).resize((300, 200), Image.Resampling.LANCZOS))
    assert float(deltaE_ciede2000(rgb2lab(small), rgb2lab(reference)).mean()) < 0.5
    whole = save_photo(photo.pixels, photo, tmp_path / "whole.png", long_edge=5000)
    with Image.open(whole) as image:
        assert image.size == (600, 400)  # never larger
    with pytest.raises(PhotoError, match="long edge"):
        save_photo(photo.pixels, photo, tmp_path / "no.png", long_edge=3)


def test_display_p3_becomes_srgb_and_looks_the_same(tmp_path: Path) -> None:
    photo = replace(open_bytes(original("PNG"), "sea.png"), space="p3")
    kept, converted = (
        save_photo(photo.pixels, photo, tmp_path / f"{name}.png", profile=profile)
        for name, profile in (("kept", None), ("srgb", "srgb"))
    )
    srgb = ImageCms.createProfile("sRGB")
    with Image.open(kept) as one, Image.open(converted) as two:
        assert one.info["icc_profile"] == profile_of("p3")
        assert two.info["icc_profile"] == profile_of("srgb")
        shown = [
            np.asarray(ImageCms.profileToProfile(image, io.BytesIO(image.info["icc_profile"]), srgb))
            for image in (one, two)
        ]
        assert (np.asarray(one) != np.asarray(two)).mean() > 0.5
    assert float(deltaE_ciede2000(rgb2lab(shown[0]), rgb2lab(shown[1])).mean()) < 0.5


@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_sixteen_bits_out_of_eight_are_really_sixteen(tmp_path: Path, ending: str) -> None:
    photo = open_bytes(original("PNG"), "sea.png")
    recipe = Recipe(settings=(Setting(values={"brightness": 0.3}),))
    pixels = render_full(photo, perceive(photo), recipe, 16)
    saved = save_photo(pixels, photo, tmp_path / f"deep{ending}", bits=16)
    back = open_bytes(saved.read_bytes(), saved.name).pixels
    assert back.dtype == np.uint16
    # Eight bits in a 16-bit file would all be multiples of 257.
    assert (back % 257 != 0).mean() > 0.9
    shallow = render_full(photo, perceive(photo), recipe)
    assert np.abs((back.astype(float) / 257) - shallow).max() <= 0.51
    assert isinstance(perceive(photo).masks["global"], SoftMask)
