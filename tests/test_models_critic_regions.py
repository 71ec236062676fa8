"""What the critic says about parts of a photo, with the place and the number."""

import numpy as np

from models.critic import criticise, criticise_regions, extremes, measure_statistics, mostly_in


def test_the_smallest_region_that_holds_most_of_it_is_named() -> None:
    bad = np.zeros((20, 20), np.float32)
    bad[:5] = 1
    upper, sky = np.zeros_like(bad), np.zeros_like(bad)
    upper[:10], sky[:6] = 1, 1
    assert mostly_in(bad, {"background": upper, "sky": sky, "person": 1 - upper}) == "sky"
    assert mostly_in(bad, {"person": 1 - upper}) == "global"
    assert mostly_in(np.zeros_like(bad), {"sky": sky}) == "global"


def test_a_clipped_sky_is_said_to_be_the_sky() -> None:
    rng = np.random.default_rng(0)
    rgb = np.asarray(rng.uniform(0.2, 0.6, (90, 120, 3)), np.float32)
    rgb[:30] = 1.0
    sky = np.zeros((90, 120), np.float32)
    sky[:32] = 1
    where = extremes(rgb, {"sky": sky, "ground": 1 - sky})
    assert where == {"highlights": "sky", "shadows": "global"}
    remarks = criticise(measure_statistics(rgb, (rgb * 255).astype(np.uint8)), {}, where)
    clipped = next(r for r in remarks if r.facet == "highlights")
    assert clipped.region == "sky"
    assert "33%" in clipped.sentence
    assert "sky" in clipped.sentence


def test_a_face_against_the_light_and_a_white_sky() -> None:
    readings = {
        "face": {"brightness": 20.0, "saturation": 10.0},
        "background": {"brightness": 70.0, "saturation": 10.0},
        "sky": {"brightness": 95.0, "saturation": 2.0},
    }
    face, sky = criticise_regions({"person": 0.3, "face": 0.02, "sky": 0.2, "background": 0.7}, readings)
    assert (face.region, face.request) == ("face", "brighten the face")
    assert "20" in face.sentence
    assert sky.region == "sky"
    readings["face"]["brightness"] = 60.0
    assert criticise_regions({"person": 0.3, "face": 0.02, "sky": 0.01, "background": 0.7}, readings) == ()
