"""Printing benchmark results: a table for people, one last line of JSON for programs."""

import json
import math
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; floats with three significant digits."""
    cells = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) if cells else len(c) for i, c in enumerate(columns)]
    print(f"\n{title}")
    print("  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True)))
    for row in cells:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)))


def finish(name: str, figures: Mapping[str, Any]) -> None:
    """Print the last line: one JSON object with the benchmark's name, the machine and the figures."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        if isinstance(value, (float, np.floating)):
            return round(float(value), 4) if math.isfinite(value) else None
        return int(value) if isinstance(value, np.integer) else value

    print(
        json.dumps(
            {"bench": name, "machine": platform.machine(), "python": platform.python_version(), **plain(figures)}
        )
    )


def interval(values: Sequence[float], seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    data = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(0, data.size, (draws, data.size))
    low, high = np.percentile(data[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
