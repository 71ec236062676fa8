"""Make shipped weights of a training run: ``python -m models.training.ship RUN/weights`` writes `models/weights/retouch`."""

import argparse
import json
from pathlib import Path

from models.denoiser import GridDenoiser
from models.pinned import FOLDER
from models.pipeline import RetouchPipeline, make_scheduler, save_pipeline
from models.style import StyleEncoder


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.ship", description=__doc__)
    parser.add_argument("weights", type=Path, help="the `weights` folder of a run")
    parser.add_argument("--out", type=Path, default=FOLDER / "retouch")
    parser.add_argument("--confidence", type=float, default=0.85, help="how far to go towards what the denoiser says")
    args = parser.parse_args()
    denoiser = GridDenoiser.from_pretrained(args.weights / "denoiser", low_cpu_mem_usage=False)
    encoder = StyleEncoder.from_pretrained(args.weights / "style_encoder", low_cpu_mem_usage=False)
    save_pipeline(RetouchPipeline(denoiser, encoder, make_scheduler(), args.confidence), args.out)
    notes = json.loads((args.weights / "training.json").read_text())
    (args.out / "training.json").write_text(json.dumps(notes, indent=1) + "\n")
    print(f"{args.out}: step {notes['step']}")


if __name__ == "__main__":
    main()
