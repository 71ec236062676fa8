"""Does the judge see a fault where one was made? `python -m tests.bench.critic DIR [--names FILE] [--photos 150]`.

Every photo of DIR against itself with seven faults at three strengths (`models.training.judge.spoil`, another seed than the
training's): how often the photo scores above its spoiled copy, and how often the fault made is the one named first.
"""

import argparse
from pathlib import Path

import numpy as np

from models.judge import FACETS, severities
from models.training.judge import STRENGTHS, measured
from tests.bench.table import finish, show


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.critic", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", type=Path, help="text file with the file names to use, one a line")
    parser.add_argument("--photos", type=int, default=150)
    args = parser.parse_args()
    files = sorted(p for p in args.folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    if args.names:
        wanted = set(args.names.read_text().split("\n"))
        files = [p for p in files if p.name in wanted]
    tables = [
        t for p in files[:: max(1, len(files) // args.photos)][: args.photos] if (t := measured(p, 99)) is not None
    ]
    if not tables:
        raise SystemExit(f"No photos in {args.folder}.")
    found = severities(np.stack(tables))
    own, spoiled = found[:, :1], found[:, 1:].reshape(len(tables), len(FACETS), 3, len(FACETS))
    above = spoiled.sum(-1) > own.sum(-1)[:, :, None]
    named = spoiled.argmax(-1) == np.arange(len(FACETS))[None, :, None]
    # What a fault adds to the photo's own faults, which may be worse than a slight one.
    added = (spoiled - own[:, None]).argmax(-1) == np.arange(len(FACETS))[None, :, None]
    rows = [
        [f, *(f"{above[:, i, s].mean():.0%}" for s in range(3)), *(f"{named[:, i, s].mean():.0%}" for s in range(3))]
        for i, f in enumerate(FACETS)
    ]
    rows.append(
        [
            "all",
            *(f"{above[:, :, s].mean():.1%}" for s in range(3)),
            *(f"{named[:, :, s].mean():.1%}" for s in range(3)),
        ]
    )
    show(
        f"{len(tables)} photos", ["fault", *(f"above {s}" for s in STRENGTHS), *(f"named {s}" for s in STRENGTHS)], rows
    )
    figures = {s: {"above": above[:, :, i].mean(), "named": named[:, :, i].mean()} for i, s in enumerate(STRENGTHS)}
    finish(
        "critic",
        {"photos": len(tables), **figures, "named_first": named.mean(), "named_as_what_was_added": added.mean()},
    )


if __name__ == "__main__":
    main()
