"""The working space: which colours a photo's values mean, and how they become sRGB or Display P3 values.

Working space: the sRGB curve, with the primaries of sRGB, or of Display P3 when an RGB profile reaches visibly
outside sRGB. What lies outside P3 too (a part of Adobe RGB's greens, ProPhoto) is clipped. A photo whose profile *is*
sRGB or P3 within half a ΔE is not converted at all, so its values stay exact. Without a profile RGB and grey mean
sRGB, and CMYK means libvips's generic press profile. Conversions are relative colorimetric with black point
compensation, in the photo's own bit depth, by Little CMS inside libvips.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tools import exif as exif_block
from tools.exif import Space
from tools.vips import BROKEN, attach, blob, pyvips


@lru_cache
def profile_of(space: str) -> bytes:
    """The ICC profile of "srgb", "p3" (libvips's own, 480 bytes each, CC0) or "adobe" (built from the former)."""
    if space != "adobe":
        return bytes(pyvips.Operation.call("profile_load", space))
    out = bytearray(profile_of("srgb"))
    # Adobe RGB (1998): D50 primaries by tag, and a pure power of 563/256 as a parametric curve.
    primaries = {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087),
                 b"bXYZ": (0.14919, 0.06322, 0.74457), b"rTRC": (563 / 256, 1, 0, 0, 0)}  # fmt: skip
    for tag, values in primaries.items():
        entry = out.index(tag, 128)
        at = int.from_bytes(out[entry + 4 : entry + 8], "big") + (12 if tag.endswith(b"TRC") else 8)
        out[at : at + 4 * len(values)] = b"".join(round(v * 65536).to_bytes(4, "big") for v in values)
    return bytes(out)


def profile_in(image: pyvips.Image, colours: int, exif: bytes | None) -> bytes | None:
    """The profile that the pixels are in, if it is usable; a damaged one, or one of other channels, counts as none."""
    embedded = blob(image, "icc-profile-data")
    kind = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}[colours]
    if embedded is not None and embedded[16:20] == kind and len(embedded) < 16 * 1024**2 and _lab(embedded) is not None:
        return embedded
    if colours == 3 and embedded is None and exif_block.is_adobe_rgb(exif):
        return profile_of("adobe")
    return None


@lru_cache(maxsize=16)
def _lab(profile: bytes) -> NDArray[np.float64] | None:
    """CIELAB (D50) of a lattice of device colours under `profile`, (n, 3); None if the profile cannot be used."""
    channels, kind = {b"GRAY": (1, "grey16"), b"RGB ": (3, "rgb16"), b"CMYK": (4, "cmyk")}[profile[16:20]]
    steps = np.linspace(0, 65535, 6).round().astype(np.uint16)
    lattice = np.stack(np.meshgrid(*[steps] * channels, indexing="ij"), -1).reshape(1, -1, channels)
    try:
        probe = attach(pyvips.Image.new_from_array(np.ascontiguousarray(lattice)).copy(interpretation=kind), profile)
        lab = probe.icc_import(embedded=True, intent="relative", pcs="lab").numpy().reshape(-1, 3).astype(np.float64)
    except BROKEN:
        return None
    return lab if np.isfinite(lab).all() else None


def _is(profile: bytes, space: str) -> bool:
    lab, other = _lab(profile), _lab(profile_of(space))
    return lab is not None and other is not None and lab.shape == other.shape and float(np.abs(lab - other).max()) < 0.5


def _wider_than_srgb(profile: bytes) -> bool:
    """Whether some colour of an RGB profile needs linear sRGB values visibly outside 0..1."""
    lab = _lab(profile)
    if lab is None:
        return False
    f = np.stack([lab[:, 0] + 16, lab[:, 0] + 16, lab[:, 0] + 16], -1) / 116
    f += np.stack([lab[:, 1] / 500, np.zeros(len(lab)), -lab[:, 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * [0.9642, 1.0, 0.8249]
    primaries = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
    linear = xyz @ np.linalg.inv(primaries).T
    return bool(linear.min() < -0.02 or linear.max() > 1.02)


def to_working_space(image: pyvips.Image, profile: bytes | None, bits: int) -> tuple[pyvips.Image, Space]:
    """Colour bands (no alpha) in the working space at the same depth; grey without a profile stays one band."""
    if profile is None:
        if image.interpretation != "cmyk":
            return image, "srgb"
        image = image.copy()
        image.remove("icc-profile-data")
    elif _is(profile, "srgb"):
        return image, "srgb"
    elif _is(profile, "p3"):
        return image, "p3"
    else:
        image = attach(image, profile)
    space: Space = "p3" if profile is not None and image.bands == 3 and _wider_than_srgb(profile) else "srgb"
    options = {"embedded": True} if profile is not None else {"input_profile": "cmyk"}
    return image.icc_transform(space, intent="relative", black_point_compensation=True, depth=bits, **options), space
