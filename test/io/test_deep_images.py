# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of more than 8 bits come out with the contrast that they have, and alike."""

import numpy as np
import pytest

from finetrack_ros.io.deep_images import DepthReducer

LOOK = np.tile(np.arange(256, dtype=np.float64), (64, 1))


def reduce_all(*images, dtype='u2'):
    """Return 8-bit images of one camera, and what was reported."""
    said = []
    reducer = DepthReducer(said.append)
    return [reducer.reduce(np.asarray(image).astype(dtype)) for image in images], said


@pytest.mark.parametrize('dtype', ['<u2', '>u2'])
@pytest.mark.parametrize('bits', [10, 12, 14, 16])
def test_a_camera_of_any_depth_keeps_its_upper_bits(bits, dtype):
    (image,), said = reduce_all(LOOK * 2 ** (bits - 8), dtype=dtype)
    assert image.dtype == np.uint8 and (image == LOOK).all()
    text, = said
    assert f'taken as {bits} bits' in text


@pytest.mark.parametrize('base', [0, 7000, 29000, 60000])
@pytest.mark.parametrize('dtype', ['<u2', '>u2', 'f4', 'i4'])
def test_a_narrow_range_becomes_the_whole(base, dtype):
    (image,), said = reduce_all(base + 4 * LOOK, dtype=dtype)
    # Values of 0 to 1020 are those of a camera of 10 bits.
    assert np.abs(image.astype(int) - LOOK).max() <= 2
    text, = said
    assert f'{base:g} to {base + 1020:g}' in text


def test_a_hot_pixel_does_not_darken_the_others():
    hot = 7000 + 4 * LOOK
    hot[3, 3] = 65535
    (image,), _ = reduce_all(hot)
    assert image[3, 3] == 255 and image.mean() == pytest.approx(LOOK.mean(), abs=3)


@pytest.mark.parametrize('value', [0, 1, 255, 4095, 0x4A01, 65535])
def test_a_constant_image_stays_constant(value):
    (image,), _ = reduce_all(np.full((9, 9), value))
    assert len(np.unique(image)) == 1


def test_a_dark_first_frame_does_not_decide():
    for deep in (16 * LOOK, 7000 + 4 * LOOK):
        images, _ = reduce_all(deep * 0 + deep.min(), deep, deep)
        assert np.abs(images[-1].astype(int) - LOOK).max() <= 2


def test_frames_of_one_camera_are_scaled_alike():
    wide, narrow = 7000 + 4 * LOOK, 7000 + 2 * LOOK
    images, said = reduce_all(wide, *[narrow] * 40)
    # The range narrows so slowly that no step shows.
    steps = np.diff([image.mean() for image in images[1:]])
    assert images[1].mean() == pytest.approx(wide.mean() / 8 - 7000 / 8, abs=8)
    assert steps.min() >= 0 and steps.max() < 8 and len(said) == 1


def test_values_that_are_not_finite_are_black_or_white():
    look = LOOK.copy()
    look[0, :3] = np.nan, np.inf, -np.inf
    (image,), _ = reduce_all(look, dtype='f4')
    assert image[0, :3].tolist() == [0, 255, 0]
    assert np.abs(image[1:].astype(int) - LOOK[1:]).max() <= 2
    assert not reduce_all(np.full((2, 2), np.nan), dtype='f4')[0][0].any()


def test_colours_are_scaled_together_and_bytes_are_left():
    colours = np.stack([LOOK, LOOK / 2, 0 * LOOK], axis=2)
    (image,), _ = reduce_all(16 * colours)
    assert np.abs(image - colours).max() <= 1
    plain = np.zeros((3, 3, 3), np.uint8)
    assert DepthReducer().reduce(plain) is plain
