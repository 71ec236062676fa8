"""Files that lie, break off or attack: a photo or one clear sentence, never a crash, a hang or grey filling."""

import io
import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from models.errors import PhotoError
from tools import exif as exif_block
from tools.colour import profile_of
from tools.photo import MAX_BYTES, open_bytes, open_photo

PICTURE = data.coffee()[100:196, 200:320]
ROOT = Path(__file__).resolve().parents[1]


def coded(format: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or Image.fromarray(PICTURE)).save(file, format, **options)
    return file.getvalue()


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0132] = "Acme", "Box 7", 6, "2020:02:02 02:02:02"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    exif.get_ifd(0x8769)[0x927C] = bytes(60)
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    block = exif.tobytes()
    return block[6:] if block.startswith(b"Exif") else block


def kinds() -> dict[str, bytes]:
    """Small sound files of every kind that has its own decoding path."""
    rgb = Image.fromarray(PICTURE)
    marks: dict[str, Any] = {"exif": b"Exif\0\0" + exif_bytes(), "icc_profile": profile_of("adobe")}
    return {
        "jpeg": coded("JPEG", **marks),
        "progressive": coded("JPEG", progressive=True, quality=90),
        "full chroma": coded("JPEG", quality=95, subsampling=0),
        "cmyk": coded("JPEG", rgb.convert("CMYK")),
        "png": coded("PNG", **marks),
        "palette": coded("PNG", rgb.quantize(64)),
        "tiff": coded("TIFF", **marks),
        "lzw": coded("TIFF", compression="tiff_lzw"),
        "jpeg in tiff": coded("TIFF", compression="jpeg"),
        "fax": coded("TIFF", rgb.convert("1"), compression="group4"),
        "webp": coded("WEBP", **marks),
        "lossless": coded("WEBP", lossless=True),
    }


def is_a_sentence(error: PhotoError) -> bool:
    words = str(error)
    return "\n" not in words and len(words) < 250 and words.endswith(".") and words[0] == words.strip()[0]


def refused(file: bytes, words: str = "damaged|not a photo", name: str = "a.jpg") -> None:
    with pytest.raises(PhotoError, match=words) as caught:
        open_bytes(file, name)
    assert is_a_sentence(caught.value)
    assert name in str(caught.value)


# Not a photo ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file, words",
    [
        (coded("GIF"), "GIF"), (coded("BMP"), "BMP"), (coded("PDF"), "PDF"), (coded("EPS"), "PostScript"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "SVG"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>', "SVG"),
        (b"Dear Sir, this is a letter.\n" * 40, "not a photo"), (b"\0" * 4096, "not a photo"), (b"x", "not a photo"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "HEIC"), (b"8BPS\0\1" + b"\0" * 99, "Photoshop"),
        (b"PK\x03\x04" + b"\0" * 99, "ZIP"), (b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 99, "not a photo"),
        (b"push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 'label:@/etc/passwd'\n", "not a photo"),
        (b"P6 99999 99999 255\n", "not a photo"), (b"#!/bin/sh\nexit\n", "not a photo"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".jpg", ".svg"])
def test_other_files_are_named_and_refused(tmp_path: Path, file: bytes, words: str, ending: str) -> None:
    path = tmp_path / f"photo{ending}"
    path.write_bytes(file)
    with pytest.raises(PhotoError, match=words) as caught:
        open_photo(path)
    assert is_a_sentence(caught.value)


def test_camera_raw_files_are_not_opened_as_their_tiny_previews() -> None:
    def tiff(*tags: tuple[int, int, int, int]) -> bytes:
        rows = b"".join(struct.pack("<HHII", *tag) for tag in tags)
        return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + rows + bytes(400)

    refused(tiff((0x100, 4, 1, 9), (0xC612, 1, 4, 1)), "raw", "a.dng")
    refused(tiff((0xFE, 4, 1, 1), (0x100, 4, 1, 160), (0x14A, 4, 1, 99)), "raw", "a.nef")
    refused(b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "raw", "a.cr2")


def test_places_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "plain").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.jpg")
    places = {
        tmp_path: "folder", tmp_path / "missing.jpg": "no file", tmp_path / "empty.jpg": "empty",
        tmp_path / "loop.jpg": "could not be read", tmp_path / "plain" / "a.jpg": "no file",
        tmp_path / "pipe.jpg": "pipe", Path("/dev/zero"): "device", Path("nul\0l.jpg"): "could not be read",
        tmp_path / ("n" * 400 + ".jpg"): "could not be read", tmp_path / "two\nlines\x1b[2J.jpg": "no file",
    }  # fmt: skip
    for place, words in places.items():
        with pytest.raises(PhotoError, match=words) as caught:
            open_photo(place)
        assert is_a_sentence(caught.value)
        assert "\x1b" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(coded("JPEG"))
    path.chmod(0)
    with pytest.raises(PhotoError, match="may not be read"):
        open_photo(path)


# Too big --------------------------------------------------------------------------------------------------------------


def test_heavy_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "heavy.jpg"
    path.write_bytes(coded("JPEG"))
    os.truncate(path, MAX_BYTES + 1)
    with pytest.raises(PhotoError, match="over 200 MB"):
        open_photo(path)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_claiming(width: int, height: int, body: bytes = b"junk") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    file = bytearray(coded("JPEG"))
    at = file.index(b"\xff\xc0")
    file[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(file)


def tiff_claiming(width: int, height: int, samples: int = 3, **tags: int) -> bytes:
    """An uncompressed TIFF of one strip or tile with next to no data."""
    rows = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, tags.get("compression", 1)),
        (262, 3, 1, 2 if samples >= 3 else 1), (277, 3, 1, samples),
    ]  # fmt: skip
    if "tile" in tags:
        rows += [(322, 4, 1, tags["tile"]), (323, 4, 1, tags["tile"]), (324, 4, 1, 300), (325, 4, 1, 64)]
    else:
        rows += [(273, 4, 1, 300), (278, 4, 1, height), (279, 4, 1, 64)]
    body = struct.pack("<H", len(rows)) + b"".join(struct.pack("<HHII", *row) for row in sorted(rows)) + bytes(4)
    return (b"II*\0\x08\0\0\0" + body).ljust(300, b"\0") + bytes(64)


def test_pixel_count_is_judged_before_anything_is_decoded() -> None:
    # None of these holds pixels: only the header can have been read where the size is the complaint.
    for file in (png_claiming(10_001, 10_000), png_claiming(200_000, 100_000)):
        refused(file, "megapixels")
    refused(jpeg_claiming(65_000, 65_000), "megapixels")
    refused(jpeg_claiming(10_001, 10_000), "megapixels")
    refused(tiff_claiming(10_001, 10_000), "megapixels")
    refused(png_claiming(10_000, 10_000), "damaged")
    refused(jpeg_claiming(10_000, 10_000), "damaged")
    refused(tiff_claiming(10_000, 10_000), "damaged")
    refused(png_claiming(0, 10), "damaged")
    refused(jpeg_claiming(0, 0), "damaged")


def test_unusual_pixels_are_refused_with_the_way_out() -> None:
    refused(coded("TIFF", Image.fromarray(PICTURE[..., 0].astype(np.float32))), "8 or 16 bits")
    refused(coded("TIFF", Image.fromarray(PICTURE[..., 0].astype(np.int32))), "8 or 16 bits")


# Cut short and damaged ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_cut_file_is_an_error_never_grey_filling(kind: str) -> None:
    whole = kinds()[kind]
    open_bytes(whole, "whole")
    for share in np.linspace(0.02, 0.97, 39):
        refused(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("kind", ["jpeg", "progressive", "cmyk", "full chroma"])
def test_a_cut_jpeg_that_pretends_to_end_is_an_error(kind: str) -> None:
    whole = kinds()[kind]
    start = whole.rindex(b"\xff\xda")
    for share in np.linspace(0.1, 0.99, 30):
        refused(whole[: start + int((len(whole) - start) * share)] + b"\xff\xd9", "damaged")


def test_an_earlier_bad_file_does_not_spoil_the_next() -> None:
    whole = coded("JPEG")
    odd = whole.replace(b"\xff\xda", bytes(4) + b"\xff\xda", 1)
    for _ in range(3):
        refused(whole[: len(whole) // 2] + b"\xff\xd9", "damaged")
        assert np.array_equal(open_bytes(odd, "a").pixels, open_bytes(whole, "a").pixels)


def test_a_harmless_oddity_is_no_damage() -> None:
    whole = coded("JPEG", quality=95)
    pixels = open_bytes(whole, "a").pixels
    padded = whole.replace(b"\xff\xda", bytes(4) + b"\xff\xda", 1)
    for odd in (whole + b"trailing" * 99, padded, whole.replace(b"JFIF\0\1", b"JFIF\0\7", 1)):
        assert np.array_equal(open_bytes(odd, "a").pixels, pixels)


# Runs in a process of its own: what must not happen is its death, its swelling and its standing still.
ATTACK = """
import random, resource, sys, json
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from models.errors import PhotoError
from tools.photo import Photo, open_bytes, encode_preview
opened = refused = 0
for line in sys.stdin:
    try:
        photo = open_bytes(bytes.fromhex(line.strip()), "a.jpg")
        assert isinstance(photo, Photo) and photo.pixels.shape == (photo.height, photo.width, 3), photo
        json.dumps(photo.facts, allow_nan=False)
        opened += 1
    except PhotoError as error:
        assert "\\n" not in str(error) and len(str(error)) < 250, error
        refused += 1
# Not ru_maxrss: across fork and exec that begins with the size of the process that started this one.
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps([opened, refused, int(status["VmHWM"].split()[0]) // 1024]))
"""


def attack(files: list[bytes]) -> tuple[int, int, int]:
    """(opened, refused, peak MB) of opening `files` one after the other under a limit of memory and of time."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", ATTACK],
        input="\n".join(file.hex() for file in files),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stderr == "", "nothing that a hostile file says may reach the terminal"
    opened, refusals, peak = json.loads(result.stdout.splitlines()[-1])
    assert opened + refusals == len(files)
    return opened, refusals, peak


def mutations(whole: bytes, count: int, rng: random.Random) -> list[bytes]:
    files = []
    for _ in range(count):
        file = bytearray(whole)
        way = rng.random()
        if way < 0.2:
            del file[rng.randrange(len(file)) :]
        elif way < 0.3:
            at = rng.randrange(len(file))
            file[at:at] = rng.randbytes(rng.randrange(1, 30))
        else:
            reach = len(file) if rng.random() < 0.4 else min(len(file), 700)  # headers are where the numbers are
            for _ in range(rng.choice((1, 1, 2, 4, 16))):
                file[rng.randrange(reach)] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)))
        files.append(bytes(file))
    return files


def test_mutated_files_give_a_photo_or_a_sentence() -> None:
    rng = random.Random(7)
    files = [file for whole in kinds().values() for file in mutations(whole, 60, rng)]
    opened, refusals, peak = attack(files)
    # Both ways must occur, or the mutations test nothing.
    assert min(opened, refusals) > len(files) // 20
    assert peak < 2048


def test_bombs_stay_small() -> None:
    zeros = zlib.compress(bytes(300 * 1024**2), 9)
    sound = coded("PNG")
    text = chunk(b"zTXt", b"bomb\0\0" + zeros)
    profile = chunk(b"iCCP", b"bomb\0\0" + zeros)
    bombs = [
        sound[:33] + text + sound[33:],
        sound[:33] + profile + sound[33:],
        png_claiming(10_000, 10_000, zeros),
        tiff_claiming(9_000, 9_000, samples=65_535),
        tiff_claiming(9_000, 9_000, samples=200),
        tiff_claiming(16, 16, tile=1_000_000_000),
        tiff_claiming(9_000, 9_000, tile=65_536, compression=8),
        tiff_claiming(16, 16, samples=3, tile=16_384),
        jpeg_claiming(9_999, 9_999),
    ]
    opened, _, peak = attack(bombs)
    # What hides in a PNG's text or profile is skipped, and a hundred megapixels of one bit are allowed.
    assert opened == 3
    assert peak < 1024


def test_mutated_profiles_never_stop_a_photo() -> None:
    rng = random.Random(5)
    files = [
        coded("PNG", icc_profile=file)
        for name in ("adobe", "p3")
        for file in mutations(profile_of(name), 60, rng)
        if file
    ]
    opened, _, _ = attack(files)
    assert opened == len(files)


# EXIF -----------------------------------------------------------------------------------------------------------------


@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, 2000),
    gps=st.booleans(),
)
@settings(max_examples=600, deadline=None)
def test_damaged_exif_is_adjusted_or_dropped(changes: list[tuple[int, int]], cut: int, gps: bool) -> None:
    block = bytearray(exif_bytes())
    for at, value in changes:
        block[at % len(block)] = value
    if cut < 600:
        del block[cut % len(block) :]
    blob = bytes(block)
    json.dumps(exif_block.facts(blob), allow_nan=False)
    assert exif_block.orientation(blob) in range(1, 9)
    exif_block.is_adobe_rgb(blob)
    exif_block.from_tiff(blob)
    done = exif_block.adjusted(blob, 70_000, 3, "p3", gps)
    if done is not None:
        assert exif_block.orientation(done) == 1
        assert gps or not exif_block.has_gps(done)
        assert len(done) <= len(blob)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_is_no_exif(noise: bytes) -> None:
    for blob in (noise, b"II*\0\x08\0\0\0" + noise, b"MM\0*\0\0\0\x08" + noise):
        assert isinstance(exif_block.facts(blob), dict)
        exif_block.from_tiff(blob)
        done = exif_block.adjusted(blob, 5, 5, "srgb", gps=False)
        assert done is None or not exif_block.has_gps(done)


def test_exif_that_points_at_itself_ends() -> None:
    rows = [(0x0112, 3, 1, 6), (0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)]
    loop = (
        b"II*\0\x08\0\0\0" + struct.pack("<H", 4) + b"".join(struct.pack("<HHII", *row) for row in rows) + b"\x08\0\0\0"
    )
    assert exif_block.orientation(loop) == 6
    assert exif_block.from_tiff(loop) is not None
    for gps in (True, False):
        done = exif_block.adjusted(loop, 5, 5, "srgb", gps)
        assert done is None or exif_block.orientation(done) == 1
    # Sixty thousand tags, each claiming the same four megabytes.
    many = b"II*\0\x08\0\0\0" + struct.pack("<H", 60_000)
    many += b"".join(struct.pack("<HHII", i, 7, 4 * 1024**2, 8) for i in range(60_000)) + bytes(4 * 1024**2)
    assert len(exif_block.from_tiff(many) or b"") < 16 * 1024**2
