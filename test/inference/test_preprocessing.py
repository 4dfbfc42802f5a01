# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Letterboxing and target crops keep geometry and colours."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.geometry import InputRule
from finetrack_ros.inference.preprocessing import (
    check_input_size,
    crop_targets,
    letterbox,
    network_size,
    PAD_VALUE,
)


@given(height=st.integers(1, 300), width=st.integers(1, 300),
       side=st.integers(1, 10).map(lambda n: 32 * n))
@settings(max_examples=80, deadline=None)
def test_network_size_is_just_large_enough(height: int, width: int, side: int) -> None:
    """Sides are multiples of 32; the image fills the long one, and the short one within 32."""
    size = network_size([np.empty((height, width, 3), np.uint8)], side)
    assert size[0] % 32 == 0
    assert size[1] % 32 == 0
    assert max(size) == side
    scaled = side / max(height, width) * np.array([height, width])
    assert bool((np.array(size) - scaled < 32.01).all())


def test_letterbox_pads_right_and_below() -> None:
    """The image lies at the top left, and the rest is 114."""
    image = np.full((50, 100, 3), 200, np.uint8)
    batch, ratios = letterbox([image, image.transpose(1, 0, 2)], (64, 64))
    assert batch.shape == (2, 64, 64, 3)
    np.testing.assert_allclose(ratios, 0.64, rtol=1e-6)
    assert bool((batch[0, :32] == 200).all())
    assert bool((batch[0, 32:] == PAD_VALUE).all())
    assert bool((batch[1, :, :32] == 200).all())
    assert bool((batch[1, :, 32:] == PAD_VALUE).all())


@given(height=st.integers(1, 3000), width=st.integers(1, 3000))
@settings(max_examples=80, deadline=None)
def test_rule_follows_the_image(height: int, width: int) -> None:
    """The long side is a multiple of 32 near the image's own, between the rule's limits."""
    rule = InputRule(most=640, upscale=1.5, least=256)
    side = rule.long_side(height, width)
    assert side % 32 == 0
    assert side == min(max(side, 256), 640)
    if 256 < side < 640:
        assert abs(side - 1.5 * max(height, width)) <= 16
    # What is longer is no smaller in the network.
    assert rule.long_side(height + 100, width + 100) >= side


def test_images_in_one_batch_keep_their_own_scales() -> None:
    """Beside a large image a small one is scaled as it is alone, and padded to the same input."""
    rule = InputRule(most=640, upscale=1.0, least=32)
    small, large = (np.full((height, width, 3), 200, np.uint8)
                    for height, width in ((120, 160), (480, 960)))
    batch, ratios = letterbox([small, large], rule)
    assert batch.shape == (2, 320, 640, 3)
    np.testing.assert_allclose(ratios, [1, 640 / 960], rtol=1e-6)
    assert bool((batch[0, :120, :160] == 200).all())
    assert bool((batch[0, 120:] == PAD_VALUE).all() and (batch[0, :, 160:] == PAD_VALUE).all())
    for image, ratio in zip((small, large), ratios, strict=True):
        assert letterbox([image], rule)[1] == ratio


def test_height_and_width_are_filled() -> None:
    """Given height and width, an image is as large as they allow."""
    image = np.zeros((100, 100, 3), np.uint8)
    assert letterbox([image], (320, 640))[1].tolist() == pytest.approx([3.2])


@pytest.mark.parametrize('shape', [
    (1, 2000), (2000, 1), (1, 1)])
def test_the_thinnest_images_fit(shape: tuple[int, int]) -> None:
    """An image of one pixel's width keeps at least one."""
    batch, _ = letterbox([np.full((*shape, 3), 200, np.uint8)], InputRule())
    assert (batch == 200).any()


def test_crops_show_their_targets() -> None:
    """Each crop holds the pixels of its box, in the order of the boxes."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[10:60, 20:40] = (1, 2, 3)
    image[30:90, 100:140] = (9, 8, 7)
    boxes = np.array([[100, 30, 140, 90], [20, 10, 40, 60]], np.float32)
    crops = crop_targets(image, boxes, (96, 32))
    assert crops.shape == (2, 96, 32, 3)
    assert bool((crops[0] == (9, 8, 7)).all())
    assert bool((crops[1] == (1, 2, 3)).all())


@given(box=st.tuples(*[st.floats(-500, 500, width=32)] * 4))
@settings(max_examples=80, deadline=None)
def test_any_box_gives_a_crop(box: tuple[float, float, float, float]) -> None:
    """Boxes outside the image, inverted or empty still give a crop of image pixels."""
    image = np.full((60, 80, 3), 77, np.uint8)
    crops = crop_targets(image, np.array([box], np.float32), (96, 32))
    assert bool((crops == 77).all())


def test_no_box_gives_no_crop() -> None:
    """No box gives an empty array of crops."""
    image = np.zeros((60, 80, 3), np.uint8)
    assert crop_targets(image, np.zeros((0, 4)), (96, 32)).shape == (0, 96, 32, 3)


@pytest.mark.parametrize('size', [0, -32, 100, (416,) * 3, (416, 100)])
def test_bad_input_sizes_are_refused(size: int | tuple[int, ...]) -> None:
    """Sizes that are no positive multiples of 32 are refused with an example."""
    with pytest.raises(ConfigError, match='multiples of 32'):
        check_input_size(size)
