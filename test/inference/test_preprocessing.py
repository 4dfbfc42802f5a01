# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Letterboxing and target crops keep geometry and colours."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.errors import ConfigError
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
