"""The segmenter's body: shapes at any size, folding, and that its beginning is what it claims to be."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data as pictures
from torch import nn

from models.backbone import CHANNELS, Backbone, SameConv, folded
from models.training import imagenet

#: Some of ImageNet's classes: tabby, tiger and Egyptian cats; espresso.
CATS, ESPRESSO = (281, 282, 285), 967


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 75), st.integers(1, 75))
def test_maps_halve_at_every_stride(height: int, width: int) -> None:
    with torch.inference_mode():
        maps = Backbone().eval()(torch.rand(1, 3, height, width))
    for found, channels, stride in zip(maps, CHANNELS, (2, 4, 8, 16, 32), strict=True):
        sides = [height, width]
        for _ in range(stride.bit_length() - 1):
            sides = [-(-side // 2) for side in sides]
        assert tuple(found.shape) == (1, channels, *sides)


def test_a_folded_norm_is_the_norm() -> None:
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5, eps=1e-3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.running_mean = torch.randn(5)
    norm.running_var = torch.rand(5) + 0.1
    weight, bias = folded(conv.weight, dict(norm.state_dict()))
    x = torch.rand(2, 3, 9, 9)
    assert torch.allclose(norm.eval()(conv(x)), nn.functional.conv2d(x, weight, bias), atol=1e-5)


def test_the_odd_pixel_of_padding_lies_to_the_right_and_below() -> None:
    conv = SameConv(1, 1, 3, 2, bias=False)
    nn.init.ones_(conv.weight)
    with torch.inference_mode():
        counted = conv(torch.ones(1, 1, 4, 4))[0, 0]
    assert counted.tolist() == [[9, 6], [6, 4]]


@pytest.mark.parametrize(("name", "classes"), [("chelsea", CATS), ("coffee", (ESPRESSO,))])
def test_it_begins_by_knowing_cats_from_coffee(name: str, classes: tuple[int, ...]) -> None:
    tensors = imagenet.published()
    body = Backbone().eval()
    imagenet.begin(body, tensors)
    picture = getattr(pictures, name)()
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = cv2.resize(picture[top : top + side, left : left + side], (260, 260), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        x = torch.from_numpy(square.transpose(2, 0, 1).astype(np.float32) / 255)[None]
        said = imagenet.Classifier(tensors)(body(x)[-1])
    assert int(said.argmax()) in classes


def test_other_weights_than_the_known_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "SHA256", "0" * 64)
    with pytest.raises(SystemExit, match="reinstall"):
        imagenet.published()
    monkeypatch.setattr(imagenet, "PACKAGE", "no_such_wheel")
    with pytest.raises(SystemExit, match="training"):
        imagenet.published()
