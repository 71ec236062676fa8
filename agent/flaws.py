"""What the critic finds wrong with a picture, as one number: samples of a look are compared by it, no change included."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.critic import criticise, measure_statistics

#: What a look can put right or spoil; noise and sharpness need the photo's own resolution.
FACETS: Final = ("exposure", "highlights", "shadows", "haze", "contrast", "white balance", "colour")


def flaws(rgb: NDArray[np.float32], tags: Mapping[str, float]) -> float:
    """Severities of the critic's remarks on a picture (h, w, 3) in [0, 1], added up; 0 is nothing to remark.

    `tags`: of the scene, so that a dark night is not called dark.
    """
    remarks = criticise(measure_statistics(rgb, rgb), dict(tags))
    return round(sum(r.severity for r in remarks if r.facet in FACETS), 4)
