# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Positions from depth images: geometry, holes, backgrounds, calibrations."""

from types import SimpleNamespace

import cv2
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.ros.positions.depth import DepthError, locate, measure_depths, read_intrinsics

WIDTH, HEIGHT = 320, 240
SIZE = (WIDTH, HEIGHT)
PLUMB_BOB = [-0.3, 0.1, 0.001, -0.002, 0.0]
FISHEYE = [-0.02, 0.005, 0.001, -0.0005]

seeds = st.integers(0, 2**32 - 1)


def camera_info(focal=300.0, width=WIDTH, height=HEIGHT, d=(), model='plumb_bob',
                roi=(0, 0, 0, 0)):
    k = [focal, 0, width / 2 - 3, 0, focal + 5, height / 2 + 2, 0, 0, 1]
    p = [focal - 20, 0, width / 2, 0, 0, focal - 20, height / 2, 0, 0, 0, 1, 0]
    x, y, roi_width, roi_height = roi
    return SimpleNamespace(
        k=k, p=p, d=list(d), distortion_model=model, width=width, height=height,
        roi=SimpleNamespace(x_offset=x, y_offset=y, width=roi_width, height=roi_height))


INTRINSICS = read_intrinsics(camera_info(), SIZE, False)


def plane(metres, shape=(HEIGHT, WIDTH)):
    return np.full(shape, metres, np.float32)


@st.composite
def boxes(draw):
    """Draw boxes that lie in the image, at least a pixel wide and high."""
    corners = draw(st.lists(st.tuples(
        st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1),
        st.integers(1, WIDTH), st.integers(1, HEIGHT)), max_size=8))
    drawn = np.array(corners, np.float64).reshape(-1, 4)
    drawn[:, 2:] = np.minimum(drawn[:, :2] + drawn[:, 2:], SIZE)
    return drawn


@given(boxes(), st.floats(0.2, 50), st.sampled_from([(), PLUMB_BOB]), st.booleans())
def test_centres_project_back_to_the_centres_of_the_boxes(drawn, metres, d, rectified):
    intrinsics = read_intrinsics(camera_info(d=d), SIZE, rectified)
    found = locate(plane(metres), 1.0, drawn, SIZE, intrinsics)
    assert found.valid.all()
    assert found.centres[:, 2] == pytest.approx(metres)
    if len(drawn):
        pixels, _ = cv2.projectPoints(found.centres, np.zeros(3), np.zeros(3), intrinsics.matrix,
                                      intrinsics.distortion)
        middle = (drawn[:, :2] + drawn[:, 2:]) / 2
        assert pixels[:, 0] == pytest.approx(middle, abs=0.5)


def test_fisheye_rays_project_back():
    intrinsics = read_intrinsics(camera_info(d=FISHEYE, model='equidistant'), SIZE, False)
    points = np.array([(0.0, 0.0), (100.0, 50.0), (300.0, 239.0)])
    rays = intrinsics.rays(points)
    again = cv2.fisheye.distortPoints(rays[:, None], intrinsics.matrix, intrinsics.distortion)
    assert again[:, 0] == pytest.approx(points, abs=0.01)


@given(boxes(), seeds)
def test_the_unit_scales_everything(drawn, seed):
    # A power of two, which rounds nothing: noise is full of halves that are equally short.
    unit = 2**-10
    depth = np.random.default_rng(seed).integers(0, 9000, (HEIGHT, WIDTH)).astype(np.uint16)
    whole = locate(depth, unit, drawn, SIZE, INTRINSICS)
    metric = locate((depth * unit).astype(np.float32), 1.0, drawn, SIZE, INTRINSICS)
    assert np.array_equal(whole.centres, metric.centres, equal_nan=True)
    assert np.array_equal(whole.sizes, metric.sizes, equal_nan=True)


@given(st.floats(0.5, 20), st.floats(0, 0.4), st.floats(1, 100), st.floats(0, 0.6), seeds)
def test_background_and_holes_do_not_move_an_object(metres, share, distance, holes, seed):
    rng = np.random.default_rng(seed)
    depth = plane(metres) + rng.uniform(-0.2, 0.2, (HEIGHT, WIDTH))
    # Beside the body and without any relief, the worst that a background can be. The core of the
    # box is the columns 90 to 190.
    depth[:, :90 + round(100 * share)] = metres + distance
    depth[rng.random(depth.shape) < holes] = rng.choice([0, np.nan, np.inf, -1])
    box = np.array([(40, 20, 240, 220)])
    assert measure_depths(depth, box, SIZE) == pytest.approx(metres, abs=0.2)


@given(st.floats(0.5, 20), st.sampled_from([(1, 1), (2, 2), (1, 2), (2, 3), (3, 4)]))
def test_smaller_depth_images_are_read_in_proportion(metres, ratio):
    shape = (HEIGHT * ratio[0] // ratio[1], WIDTH * ratio[0] // ratio[1])
    depth = plane(metres, shape)
    depth[:, shape[1] // 2:] = 2 * metres
    drawn = np.array([(0, 0, 100, 100), (200, 100, WIDTH, HEIGHT)])
    assert measure_depths(depth, drawn, SIZE) == pytest.approx([metres, 2 * metres])


@pytest.mark.parametrize('box', [
    (-50, -50, 0, 0), (WIDTH, 10, WIDTH + 50, 50), (10, 10, 10, 50), (1e9, 1e9, 2e9, 2e9)])
def test_boxes_outside_the_image_have_no_position(box):
    found = locate(plane(3), 1.0, np.array([box]), SIZE, INTRINSICS)
    assert not found.valid.any()
    assert np.isnan(found.centres).all()
    assert np.isnan(found.sizes).all()


def test_box_that_leaves_the_image_is_measured_in_its_visible_part():
    depth = plane(np.nan)
    depth[:, :40] = 4
    found = locate(depth, 1.0, np.array([(-60, 50, 60, 200)]), SIZE, INTRINSICS)
    assert found.centres[0, 2] == 4
    assert found.centres[0, 0] == pytest.approx((0 - (WIDTH / 2 - 3)) / 300 * 4)


@pytest.mark.parametrize(('rows', 'expected'), [(30, True), (4, False)])
def test_too_few_values_give_no_position(rows, expected):
    depth = plane(0)
    depth[100:100 + rows] = 5
    depth[:100] = np.nan
    found = locate(depth, 1.0, np.array([(10, 50, 100, 150)]), SIZE, INTRINSICS)
    assert found.valid.tolist() == [expected]


def test_sizes_follow_from_depth_and_focal_length():
    found = locate(plane(3), 1.0, np.array([(100, 50, 160, 200)]), SIZE, INTRINSICS)
    assert found.sizes[0] == pytest.approx([60 / 300 * 3, 150 / 305 * 3, 60 / 300 * 3])


def test_calibration_of_another_resolution_is_scaled():
    double = read_intrinsics(camera_info(), (2 * WIDTH, 2 * HEIGHT), False)
    assert double.matrix.diagonal() == pytest.approx([600, 610, 1])
    assert double.matrix[:2, 2] == pytest.approx([WIDTH - 6, HEIGHT + 4])


def test_calibration_of_a_cut_out_is_shifted():
    cut = read_intrinsics(camera_info(roi=(20, 30, 160, 120)), (160, 120), False)
    assert cut.matrix[:2, 2] == pytest.approx([WIDTH / 2 - 3 - 20, HEIGHT / 2 + 2 - 30])
    assert cut.matrix[0, 0] == 300


@pytest.mark.parametrize(('info', 'problem'), [
    (camera_info(focal=0.0), 'focal length of 0, 5 in K: calibrate'),
    (camera_info(focal=float('nan')), 'focal length of nan'),
    (camera_info(width=320, height=180), 'camera_info is of 320x180 pixels, the image of 320x240'),
    (camera_info(d=[0.1, 0.2], model='plumb_bob'), '2 coefficients'),
    (camera_info(d=[float('nan')] * 5), '5 coefficients'),
    (camera_info(d=PLUMB_BOB, model='ds'), "model 'ds', .* image_rectified"),
])
def test_bad_calibration_is_named(info, problem):
    with pytest.raises(DepthError, match=problem):
        read_intrinsics(info, SIZE, False)


def test_depth_of_another_view_is_refused():
    with pytest.raises(DepthError, match='depth image is of 320x180 .* align'):
        measure_depths(plane(1, (180, 320)), np.zeros((1, 4)), SIZE)


@given(st.lists(st.floats(), min_size=9, max_size=9),
       st.lists(st.floats(), max_size=15), st.sampled_from(['plumb_bob', 'equidistant', 'ds', '']),
       st.tuples(*[st.integers(0, 2**32 - 1)] * 6), boxes(), st.floats(width=32), st.booleans())
def test_hostile_calibration_gives_finite_positions_or_an_error(
        k, d, model, extents, drawn, metres, rectified):
    info = camera_info(width=extents[0], height=extents[1], d=d, model=model, roi=extents[2:])
    info.k, info.p = k, [*k, *k[:3]]
    try:
        found = locate(plane(metres), 1.0, drawn, SIZE, read_intrinsics(info, SIZE, rectified))
    except DepthError:
        return
    assert np.isfinite(found.centres[found.valid]).all()
    assert np.isfinite(found.sizes[found.valid]).all()


def test_zero_distortion_and_rectified_images_need_no_model():
    raw = read_intrinsics(camera_info(d=[0.0] * 5, model='ds'), SIZE, False)
    rectified = read_intrinsics(camera_info(d=PLUMB_BOB, model='ds'), SIZE, True)
    assert raw.distortion.size == rectified.distortion.size == 0
    assert (raw.matrix[0, 0], rectified.matrix[0, 0]) == (300, 280)
