"""Opening and saving: pixels, colour, depth, alpha and EXIF survive; the original and other people's files do too."""

import hashlib
import io
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms, ImageOps
from skimage import data
from skimage.color import deltaE_ciede2000

from models.errors import PhotoError
from tools.codec import encode, upright
from tools.colour import profile_of
from tools.exif import Space
from tools.photo import FORMATS, Photo, encode_preview, open_bytes, open_photo, save_photo, thumbnail

ASTRONAUT = data.astronaut()
COFFEE = data.coffee()
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp"}


def coded(pixels: np.ndarray | Image.Image, format: str, **options: object) -> bytes:
    """A file made by Pillow: another program than the one under test."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    exif = options.get("exif")
    if isinstance(exif, Image.Exif):  # Pillow leaves the inner directories out of a TIFF unless they come as bytes
        options["exif"] = exif.tobytes()
    image.save(file, format, **options)
    return file.getvalue()


def same(one: object, other: object) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


def camera_exif(orientation: int = 1, gps: bool = True) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x8298] = "Canon", "Canon EOS R5", orientation, "A. Person"
    own = exif.get_ifd(0x8769)
    own[0x829A], own[0x829D], own[0x8827], own[0x920A] = 1 / 250, 2.8, 400, 35.0
    own[0x9003], own[0xA001], own[0xA002], own[0xA003] = "2024:05:01 10:20:30", 1, 7, 7
    own[0x927C] = b"MAKERNOTE" * 5
    if gps:
        place = exif.get_ifd(0x8825)
        place[1], place[2], place[3], place[4] = "N", (48.0, 51.0, 29.5), "E", (2.0, 17.0, 40.2)
    return exif


def lab(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """CIELAB of 8-bit RGB under an ICC profile, by Little CMS through Pillow."""
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(source, target, "RGB", "LAB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    image = ImageCms.applyTransform(Image.fromarray(pixels), transform)
    assert image is not None
    raw = np.asarray(image)
    return np.stack([raw[..., 0] / 2.55, *(raw[..., i].astype(np.int8).astype(float) for i in (1, 2))], -1)


def profile_in(path: Path) -> bytes:
    return bytes(pyvips.Image.new_from_file(str(path)).get("icc-profile-data"))


# Pixels ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_untagged_file_passes_through_exactly(tmp_path: Path, format: str) -> None:
    source = tmp_path / f"in{ENDINGS[format]}"
    source.write_bytes(coded(ASTRONAUT, format))
    photo = open_photo(source)
    assert (photo.space, photo.bits, photo.format, photo.alpha) == ("srgb", 8, format, None)
    assert np.array_equal(photo.pixels, ASTRONAUT)
    out = save_photo(photo.pixels, photo, tmp_path / "out.png")
    with Image.open(out) as image:
        assert np.array_equal(np.asarray(image), ASTRONAUT)
    assert np.array_equal(open_photo(out).pixels, ASTRONAUT)
    assert photo.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_jpeg_decodes_as_other_programs_decode_it(name: str) -> None:
    file = coded(getattr(data, name)(), "JPEG", quality=90)
    assert np.array_equal(open_bytes(file, "a.jpg").pixels, np.asarray(Image.open(io.BytesIO(file))))


@given(
    pixels=st.one_of(
        arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
        arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    ),
    format=st.sampled_from(["PNG", "TIFF"]),
    space=st.sampled_from(["srgb", "p3"]),
    alpha=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_lossless_formats_return_every_value(pixels: np.ndarray, format: str, space: Space, alpha: bool) -> None:
    bits = 8 * pixels.dtype.itemsize
    opacity = np.ascontiguousarray(pixels[..., 1][::-1]) if alpha else None
    file = encode(pixels, opacity, format=format, space=space, bits=bits)
    photo = open_bytes(file, "x")
    assert (photo.space, photo.bits) == (space, bits)
    assert np.array_equal(photo.pixels, pixels)
    assert photo.alpha is None if opacity is None else same(photo.alpha, opacity)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(tmp_path: Path, format: str) -> None:
    ramp = np.linspace(0, 65535, 8192).round().astype(np.uint16)
    pixels = np.repeat(np.tile(ramp, (4, 1))[..., None], 3, axis=2)
    photo = open_bytes(encode(pixels, format=format, bits=16, space="srgb"), "ramp")
    assert photo.bits == 16
    again = open_photo(save_photo(photo.pixels, photo, tmp_path / f"out{ENDINGS[format]}"))
    assert len(np.unique(again.pixels)) >= 4096
    assert np.array_equal(again.pixels, pixels)
    eight = open_photo(save_photo(photo.pixels, photo, tmp_path / "eight.png", bits=8))
    assert eight.bits == 8
    assert np.array_equal(eight.pixels, np.round(pixels / 257).astype(np.uint8))


def test_sixteen_bit_conversion_from_adobe_rgb_keeps_depth() -> None:
    ramp = np.linspace(0, 65535, 8192).round().astype(np.uint16)
    image = pyvips.Image.new_from_array(np.repeat(ramp[None, :, None], 3, axis=2)).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile_of("adobe"))
    photo = open_bytes(image.pngsave_buffer(), "a.png")
    assert (photo.space, photo.bits) == ("p3", 16)
    assert len(np.unique(photo.pixels[..., 1])) >= 4096
    assert np.all(np.diff(photo.pixels[0, :, 1].astype(int)) >= 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_exactly_once(tmp_path: Path, format: str, orientation: int) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    file = coded(COFFEE[:60, :100], format, exif=camera_exif(orientation), **options)
    with Image.open(io.BytesIO(file)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    photo = open_bytes(file, "a")
    assert np.array_equal(photo.pixels, expected)
    out = save_photo(photo.pixels, photo, tmp_path / f"out{ENDINGS[format]}")
    again = open_photo(out)
    assert again.pixels.shape == expected.shape
    assert np.abs(again.pixels.astype(int) - expected).mean() < 6  # a second turn would give about 60
    with Image.open(out) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert image.size == (photo.width, photo.height)


def test_upright_undoes_each_orientation() -> None:
    pixels = ASTRONAUT[:3, :5]
    seen = {upright(pixels, o).tobytes() + bytes(upright(pixels, o).shape[:2]) for o in range(1, 9)}
    assert len(seen) == 8
    assert upright(pixels, 1).tobytes() == pixels.tobytes()


def test_alpha_is_turned_with_the_pixels() -> None:
    rgba = np.dstack([ASTRONAUT[:40, :60], np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))])
    photo = open_bytes(coded(rgba, "PNG", exif=camera_exif(6)), "a.png")
    assert photo.alpha is not None
    assert photo.pixels.shape[:2] == photo.alpha.shape == (60, 40)
    assert np.array_equal(photo.alpha, np.rot90(rgba[..., 3], -1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "I;16"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_kinds_of_pixels_mean_what_they_show(format: str, mode: str) -> None:
    if (format, mode) in {("PNG", "PA"), ("TIFF", "PA")}:
        image = Image.fromarray(ASTRONAUT).quantize(64)
        image.info["transparency"] = 0
    elif mode == "I;16":
        image = Image.fromarray((ASTRONAUT[..., 1].astype(np.uint16) << 8) | ASTRONAUT[..., 0])
    else:
        image = Image.fromarray(ASTRONAUT).convert("RGBA" if "A" in mode else "RGB").convert(mode)
    photo = open_bytes(coded(image, format), "a")
    if mode == "I;16":
        assert photo.bits == 16
        assert np.array_equal(photo.pixels, np.repeat(np.asarray(image)[..., None], 3, axis=2))
    else:
        assert np.array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert (photo.alpha is not None) == (mode in ("LA", "RGBA") or (mode == "PA" and format == "PNG"))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_survives(tmp_path: Path, format: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))
    photo = open_bytes(coded(np.dstack([ASTRONAUT, alpha]), "PNG"), "a.png")
    again = open_photo(save_photo(photo.pixels, photo, tmp_path / f"out{ENDINGS[format]}"))
    assert same(again.alpha, alpha)
    deep = save_photo(photo.pixels.astype(np.uint16) * 257, photo, tmp_path / "deep.png")
    assert same(open_photo(deep).alpha, alpha.astype(np.uint16) * 257)


def test_jpeg_of_a_transparent_photo_lies_on_white(tmp_path: Path) -> None:
    black = np.zeros((32, 32, 4), np.uint8)
    black[:16, :, 3] = 255
    photo = open_bytes(coded(black, "PNG"), "a.png")
    flat = open_photo(save_photo(photo.pixels, photo, tmp_path / "flat.jpg")).pixels
    assert flat[:8].max() <= 2
    assert flat[24:].min() >= 253


# Colour ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space, becomes", [("srgb", "srgb"), ("p3", "p3"), ("adobe", "p3")])
@pytest.mark.parametrize("picture", ["astronaut", "coffee", "chelsea"])
def test_round_trip_keeps_the_colours_seen(tmp_path: Path, space: str, becomes: str, picture: str) -> None:
    pixels = getattr(data, picture)()
    photo = open_bytes(coded(pixels, "PNG", icc_profile=profile_of(space)), "a.png")
    assert photo.space == becomes
    out = save_photo(photo.pixels, photo, tmp_path / "out.png")
    with Image.open(out) as image:
        saved, profile = np.asarray(image), image.info["icc_profile"]
    assert profile == profile_of(becomes)
    error = deltaE_ciede2000(lab(pixels, profile_of(space)), lab(saved, profile))
    assert error.mean() <= 0.5
    if space == becomes:
        assert np.array_equal(saved, pixels)


def test_the_standard_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert profile != profile_of("srgb")
    photo = open_bytes(coded(ASTRONAUT, "PNG", icc_profile=profile), "a.png")
    assert np.array_equal(photo.pixels, ASTRONAUT)


def test_adobe_profile_is_adobe_rgb() -> None:
    # Published value (Lindbloom, Bradford-adapted to D50): the green primary is L* 83.21, a* -128.8, b* 84.4.
    green = lab(np.array([[[0, 255, 0]]], np.uint8), profile_of("adobe"))[0, 0]
    assert abs(green[0] - 83.2) < 1
    grey = lab(np.full((1, 1, 3), 128, np.uint8), profile_of("adobe"))[0, 0]
    assert abs(grey[0] - (116 * (128 / 255) ** (2.19921875 / 3) - 16)) < 0.5


def test_camera_mark_for_adobe_rgb_without_a_profile() -> None:
    exif = camera_exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03", 2: b"0100"}
    marked = open_bytes(coded(ASTRONAUT, "JPEG", quality=95, exif=exif), "_A.jpg")
    tagged = open_bytes(coded(ASTRONAUT, "JPEG", quality=95, icc_profile=profile_of("adobe")), "a.jpg")
    assert marked.space == "p3"
    assert np.array_equal(marked.pixels, tagged.pixels)


@pytest.mark.parametrize("profile", [b"\0" * 200, b"not a profile", profile_of("srgb")[:300], b""])
def test_damaged_profile_counts_as_none(profile: bytes) -> None:
    photo = open_bytes(coded(ASTRONAUT, "PNG", icc_profile=profile), "a.png")
    assert photo.space == "srgb"
    assert np.array_equal(photo.pixels, ASTRONAUT)


def test_profile_of_other_channels_is_ignored() -> None:
    grey = open_bytes(coded(Image.fromarray(ASTRONAUT[..., 0]), "PNG", icc_profile=profile_of("p3")), "a.png")
    assert np.array_equal(grey.pixels[..., 2], ASTRONAUT[..., 0])


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_looks_like_its_picture(format: str) -> None:
    # Ink for RGB without a profile differs from program to program; hue and order of lightness do not.
    photo = open_bytes(coded(Image.fromarray(ASTRONAUT).convert("CMYK"), format), "a")
    assert (photo.space, photo.bits, photo.pixels.shape, photo.alpha) == ("srgb", 8, ASTRONAUT.shape, None)
    for channel in range(3):
        assert np.corrcoef(photo.pixels[..., channel].ravel(), ASTRONAUT[..., channel].ravel())[0, 1] > 0.95


def test_embedded_cmyk_profile_is_used() -> None:
    inks = Image.fromarray(
        np.stack([ASTRONAUT[..., 0], ASTRONAUT[..., 1], ASTRONAUT[..., 2], ASTRONAUT[..., 0] // 4], -1)
    )
    press = bytes(pyvips.Operation.call("profile_load", "cmyk"))
    cmyk = Image.frombytes("CMYK", inks.size, np.asarray(inks).tobytes())
    photo = open_bytes(coded(cmyk, "TIFF", icc_profile=press), "a.tif")
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(press)), ImageCms.createProfile("sRGB"), "CMYK", "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip
    expected = np.asarray(ImageCms.applyTransform(cmyk, transform)).astype(int)
    assert photo.space == "srgb"
    assert np.abs(photo.pixels - expected).mean() < 1


def grey_profile(gamma: float) -> bytes:
    """A minimal ICC 2 profile of a grey gamma curve (ICC.1:2001-04, sections 6.1 and 6.5.3)."""
    white = b"XYZ \0\0\0\0" + b"".join(round(v * 65536).to_bytes(4, "big") for v in (0.9642, 1.0, 0.8249))
    curve = b"curv\0\0\0\0\0\0\0\1" + round(gamma * 256).to_bytes(2, "big") + b"\0\0"
    at = 128 + 4 + 24
    tags = b"".join(
        name + place.to_bytes(4, "big") + len(body).to_bytes(4, "big")
        for name, place, body in ((b"wtpt", at, white), (b"kTRC", at + len(white), curve))
    )
    body = b"\0\0\0\2" + tags + white + curve
    head = (128 + len(body)).to_bytes(4, "big") + b"lcms\x02\x10\0\0mntrGRAYXYZ " + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + white[8:] + bytes(48) + body


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_profile_is_used(bits: int) -> None:
    levels = np.linspace(0, 1, 256)
    top = 2**bits - 1
    ramp = np.tile(np.round(levels * top).astype(np.uint8 if bits == 8 else np.uint16), (4, 1))
    photo = open_bytes(coded(Image.fromarray(ramp), "PNG", icc_profile=grey_profile(1.8)), "a.png")
    linear = levels**1.8
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert photo.bits == bits
    assert np.abs(photo.pixels[0] / top - expected[:, None]).max() < 1.5 / 255


def test_screen_preview_carries_its_space() -> None:
    spaces: tuple[Space, ...] = ("srgb", "p3")
    for format, space in itertools.product(("JPEG", "WEBP", "PNG"), spaces):
        file = encode_preview(COFFEE, format=format, space=space)
        with Image.open(io.BytesIO(file)) as image:
            assert (image.format, image.size) == (format, (600, 400))
            assert image.info["icc_profile"] == profile_of(space)
            assert np.abs(np.asarray(image).astype(int) - COFFEE).mean() < 5


# EXIF -----------------------------------------------------------------------------------------------------------------


def exif_of(path: Path) -> dict[str, dict[int, object]]:
    with Image.open(path) as image:
        exif = image.getexif()
        return {"main": dict(exif), "exif": dict(exif.get_ifd(0x8769)), "gps": dict(exif.get_ifd(0x8825))}


@pytest.mark.parametrize("into", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("out_of", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_survives_between_all_formats(tmp_path: Path, out_of: str, into: str) -> None:
    photo = open_bytes(coded(ASTRONAUT[:80, :120], out_of, exif=camera_exif(6)), "a")
    assert photo.facts == {
        "camera": "Canon EOS R5", "datetime": "2024-05-01T10:20:30", "iso": 400.0, "focal_length": 35.0,
        "exposure_time": pytest.approx(1 / 250), "f_number": pytest.approx(2.8), "has_gps": 1.0,
    }  # fmt: skip
    path = save_photo(photo.pixels, photo, tmp_path / f"all{ENDINGS[into]}")
    kept = exif_of(path)
    assert kept["main"][0x0110] == "Canon EOS R5"
    assert kept["main"][0x8298] == "A. Person"
    assert kept["main"].get(0x0112, 1) == 1
    assert kept["exif"][0x927C] == b"MAKERNOTE" * 5
    assert (kept["exif"][0xA002], kept["exif"][0xA003]) == (80, 120)
    assert kept["gps"][2] == (48.0, 51.0, 29.5)
    assert open_photo(path).facts == photo.facts

    private = save_photo(photo.pixels, photo, tmp_path / f"private{ENDINGS[into]}", gps=False)
    without = exif_of(private)
    assert without["gps"] == {}
    assert without["exif"] == kept["exif"]
    assert {k: v for k, v in kept["main"].items() if k not in (0x8825, 0x8769, 0x0111, 0x0117, 0x0144, 0x0145)} == {
        k: v for k, v in without["main"].items() if k not in (0x8769, 0x0111, 0x0117, 0x0144, 0x0145)
    }
    assert "has_gps" not in open_photo(private).facts

    bare = save_photo(photo.pixels, photo, tmp_path / f"bare{ENDINGS[into]}", metadata=False)
    assert open_photo(bare).facts == {}
    for word in (b"Canon", b"A. Person", b"MAKERNOTE", b"2024:05:01"):
        assert word not in bare.read_bytes()
    assert profile_in(bare) == profile_of("srgb")


def test_place_leaves_no_trace_in_the_bytes(tmp_path: Path) -> None:
    exif = camera_exif()
    exif.get_ifd(0x8825)[0x1D] = "1987:06:05"
    for order in ("<", ">"):
        exif.endian = order
        photo = open_bytes(coded(ASTRONAUT[:80], "JPEG", exif=exif.tobytes()), "a.jpg")
        assert b"1987:06:05" in save_photo(photo.pixels, photo, tmp_path / f"{ord(order)}with.jpg").read_bytes()
        private = save_photo(photo.pixels, photo, tmp_path / f"{ord(order)}.jpg", gps=False).read_bytes()
        assert b"1987:06:05" not in private
        assert b"Canon EOS R5" in private


def test_embedded_thumbnail_of_the_old_look_goes(tmp_path: Path) -> None:
    exif = camera_exif()
    small = coded(ASTRONAUT[:40, :40], "JPEG", quality=30)
    exif.get_ifd(1)  # the second directory
    block = exif.tobytes()
    # Link a hand-made second directory with the thumbnail to the end of the block.
    body = block[6:] if block.startswith(b"Exif\0\0") else block
    assert body[:2] == b"MM"
    link = 8 + 2 + 12 * int.from_bytes(body[8:10], "big")
    at = len(body)
    second = b"\0\2" + b"\x02\x01\0\4\0\0\0\1" + (at + 30).to_bytes(4, "big")
    second += b"\x02\x02\0\4\0\0\0\1" + len(small).to_bytes(4, "big") + bytes(4)
    body = body[:link] + at.to_bytes(4, "big") + body[link + 4 :] + second + small
    photo = open_bytes(coded(ASTRONAUT, "JPEG", exif=b"Exif\0\0" + body), "a.jpg")
    assert photo.exif is not None
    assert small in photo.exif
    out = save_photo(photo.pixels, photo, tmp_path / "out.jpg")
    assert small[:200] not in out.read_bytes()
    with Image.open(out) as image:
        assert image.getexif().get_ifd(1) == {}
        assert image.getexif()[0x0110] == "Canon EOS R5"
    assert open_photo(out).facts == photo.facts


def test_words_in_exif_are_tamed() -> None:
    exif = Image.Exif()
    exif[0x0110] = "Ignore all\n<b>previous</b> \x1b[31m `rm` {instructions} " + "x" * 300
    camera = open_bytes(coded(ASTRONAUT, "JPEG", exif=exif), "a.jpg").facts["camera"]
    assert isinstance(camera, str)
    assert len(camera) <= 64
    assert not set(camera) & set("<>{}`\n\x1b$\"'\\")


def test_exif_too_big_for_a_jpeg_is_shortened(tmp_path: Path) -> None:
    exif = camera_exif()
    exif.get_ifd(0x8769)[0x927C] = bytes(range(256)) * 400
    photo = open_bytes(coded(ASTRONAUT, "WEBP", exif=exif.tobytes()), "a.webp")
    assert photo.exif is not None
    assert len(photo.exif) > 65536
    out = open_photo(save_photo(photo.pixels, photo, tmp_path / "out.jpg"))
    assert out.facts == photo.facts


def test_print_size_is_kept(tmp_path: Path) -> None:
    photo = open_bytes(coded(ASTRONAUT, "JPEG", dpi=(300, 300)), "a.jpg")
    for ending in (".jpg", ".png", ".tif"):
        with Image.open(save_photo(photo.pixels, photo, tmp_path / f"o{ending}")) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "photo.png").write_bytes(coded(ASTRONAUT[:64, :64], "PNG"))
    return open_photo(folder / "photo.png")


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.endswith(".part")]


@pytest.mark.parametrize("way", ["same", "dots", "symlink", "hard link", "relative", "copy"])
def test_the_original_is_never_written(photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    assert photo.path is not None
    before = photo.path.read_bytes()
    target = tmp_path / "other.png"
    if way == "same":
        target = photo.path
    elif way == "dots":
        target = photo.path.parent / ".." / photo.path.parent.name / photo.path.name
    elif way == "symlink":
        target.symlink_to(photo.path)
    elif way == "hard link":
        target.hardlink_to(photo.path)
    elif way == "relative":
        monkeypatch.chdir(photo.path.parent)
        target = Path(photo.path.name)
    else:
        target.write_bytes(before)
    with pytest.raises(PhotoError, match="original"):
        save_photo(255 - photo.pixels, photo, target, overwrite=True)
    assert photo.path.read_bytes() == before
    assert target.read_bytes() == before


def test_nothing_is_overwritten_unless_told(photo: Photo, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"somebody's")
    with pytest.raises(PhotoError, match="there already"):
        save_photo(photo.pixels, photo, target)
    assert target.read_bytes() == b"somebody's"
    assert save_photo(photo.pixels, photo, target, overwrite=True) == target
    assert np.array_equal(open_photo(target).pixels, photo.pixels)
    assert leftovers(tmp_path) == []


def test_of_many_at_once_exactly_one_wins(photo: Photo, tmp_path: Path) -> None:
    target = tmp_path / "race.png"
    wins, refusals = [], []
    start = threading.Barrier(8)

    def save(value: int) -> None:
        start.wait()
        try:
            save_photo(np.full((64, 64, 3), value, np.uint8), photo, target)
            wins.append(value)
        except PhotoError as error:
            refusals.append(str(error))

    threads = [threading.Thread(target=save, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert len(refusals) == 7
    assert all("there already" in words for words in refusals)
    assert (open_photo(target).pixels == wins[0]).all()
    assert leftovers(tmp_path) == []


def test_a_reader_never_sees_half_a_file(photo: Photo, tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    big = np.tile(ASTRONAUT, (2, 2, 1))
    save_photo(big, photo, target)
    whole = {target.read_bytes()}
    done = threading.Event()

    def write() -> None:
        for value in range(6):
            save_photo(np.roll(big, value, axis=0), photo, target, overwrite=True)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.append(target.read_bytes())
    writer.join()
    for value in range(6):
        whole.add(encode(np.roll(big, value, axis=0), format="PNG", dpi=photo.dpi))
    assert seen
    assert set(seen) <= whole


def test_a_new_file_has_ordinary_permissions(photo: Photo, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    saved = save_photo(photo.pixels, photo, tmp_path / "out.png")
    assert saved.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("name", ["out", "out.gif", "out.jpg.exe", ".png", "out.heic", "out."])
def test_bad_endings_are_refused(photo: Photo, tmp_path: Path, name: str) -> None:
    with pytest.raises(PhotoError, match="format") as caught:
        save_photo(photo.pixels, photo, tmp_path / name)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"bits": 16}, "bits"), ({"bits": 12}, "bits"), ({"quality": 0}, "quality"), ({"quality": 101}, "quality"),
        ({"format": "PNG"}, "asked"), ({"format": "BMP"}, "format"),
    ],
)  # fmt: skip
def test_impossible_wishes_are_refused(photo: Photo, tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        save_photo(photo.pixels, photo, tmp_path / "out.jpg", **options)
    assert not (tmp_path / "out.jpg").exists()


def test_places_that_cannot_be_saved_to(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    places = {
        tmp_path / "missing" / "out.png": "no folder",
        tmp_path / "folder.png": "is a folder",
        tmp_path / ("x" * 300 + ".png"): "cannot be saved",
        tmp_path / "mine" / "photo.png" / "out.png": "no folder",
        Path("nul\0l.png"): "cannot be saved",
    }
    for place, words in places.items():
        with pytest.raises(PhotoError, match=words) as caught:
            save_photo(photo.pixels, photo, place)
        assert len(str(caught.value)) < 250
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root may write to")
def test_read_only_folder(photo: Photo, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="cannot be saved in that folder"):
        save_photo(photo.pixels, photo, Path("/proc/out.png"))
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir()
        locked.chmod(0o500)
        with pytest.raises(PhotoError, match="cannot be saved in that folder"):
            save_photo(photo.pixels, photo, locked / "out.png")


def test_too_wide_for_the_format(photo: Photo, tmp_path: Path) -> None:
    wide = np.zeros((1, 70_000, 3), np.uint8)
    for ending in (".jpg", ".webp"):
        with pytest.raises(PhotoError, match="at most"):
            save_photo(wide, photo, tmp_path / f"out{ending}")
    assert open_photo(save_photo(wide, photo, tmp_path / "out.png")).width == 70_000


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_same_pixels_same_bytes_in_another_process(tmp_path: Path, format: str) -> None:
    source = tmp_path / "in.jpg"
    source.write_bytes(coded(ASTRONAUT, "JPEG", exif=camera_exif(), icc_profile=profile_of("adobe")))
    photo = open_photo(source)
    first = save_photo(photo.pixels, photo, tmp_path / f"one{ENDINGS[format]}")
    script = "import sys; from tools.photo import *; p = open_photo(sys.argv[1]); save_photo(p.pixels, p, sys.argv[2]);"
    second = tmp_path / f"two{ENDINGS[format]}"
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", script, str(source), str(second)], check=True, cwd=root)
    assert first.read_bytes() == second.read_bytes()


def test_every_ending_saves_its_format(photo: Photo, tmp_path: Path) -> None:
    for ending, format in FORMATS.items():
        with Image.open(save_photo(photo.pixels, photo, tmp_path / f"a{ending.upper()}")) as image:
            assert image.format == format


# Thumbnail ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 257])
def test_thumbnail_is_the_mean_of_areas(scale: int) -> None:
    pixels = ASTRONAUT.astype(np.uint8 if scale == 1 else np.uint16) * np.array(
        scale, np.uint8 if scale == 1 else np.uint16
    )
    small = thumbnail(Photo(pixels, None, "", "a", "PNG"), 64)
    expected = ASTRONAUT.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3)) / 255
    assert small.dtype == np.float32
    assert np.abs(small - expected).max() < 2e-5


def test_thumbnail_keeps_shape_and_never_enlarges() -> None:
    photo = Photo(COFFEE, None, "", "a", "PNG")
    assert thumbnail(photo, 300).shape == (200, 300, 3)
    assert thumbnail(photo, 5000).shape == COFFEE.shape
    assert thumbnail(Photo(COFFEE[:1], None, "", "a", "PNG"), 100).shape == (1, 100, 3)
    assert float(thumbnail(photo, 300).max()) <= 1.0
    assert cv2.norm(thumbnail(photo, 600) * 255 - COFFEE.astype(np.float32)) < 1
