# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry of boxes: round trips, bounds, and agreement with plain loops."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from finetrack_ros import geometry


@st.composite
def boxes(draw, max_count=8):
    """Draw xyxy boxes [0..max_count, 4] with sides from 1 to 500 px."""
    count = draw(st.integers(0, max_count))
    corner = draw(hnp.arrays(np.float64, (count, 2), elements=st.integers(-1000, 1000)))
    sides = draw(hnp.arrays(np.float64, (count, 2), elements=st.integers(1, 500)))
    return np.concatenate([corner, corner + sides], axis=1)


def plain_iou(a, b):
    """Compute the IoU of two boxes the long way."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return inter / (areas - inter)


@given(boxes())
def test_layouts_round_trip(xyxy):
    np.testing.assert_allclose(geometry.tlwh_to_xyxy(geometry.xyxy_to_tlwh(xyxy)), xyxy)
    np.testing.assert_allclose(geometry.cxcywh_to_xyxy(geometry.xyxy_to_cxcywh(xyxy)), xyxy)


def test_layouts_of_a_known_box():
    xyxy = np.array([[10.0, 20, 40, 80]])
    assert geometry.xyxy_to_tlwh(xyxy).tolist() == [[10, 20, 30, 60]]
    assert geometry.xyxy_to_cxcywh(xyxy).tolist() == [[25, 50, 30, 60]]
    assert geometry.box_area(xyxy).tolist() == [1800]


@pytest.mark.parametrize('convert', [
    geometry.xyxy_to_tlwh, geometry.tlwh_to_xyxy, geometry.xyxy_to_cxcywh,
    geometry.cxcywh_to_xyxy])
def test_layouts_keep_dtype_and_input(convert):
    given_boxes = np.ones((3, 4), np.float32)
    assert convert(given_boxes).dtype == np.float32
    assert (given_boxes == 1).all()


@given(boxes(), boxes())
def test_iou_equals_plain_loops(a, b):
    iou = geometry.box_iou(a, b)
    expected = [[plain_iou(first, second) for second in b] for first in a]
    assert iou.dtype == np.float32 and iou.shape == (len(a), len(b))
    np.testing.assert_allclose(iou, np.reshape(expected, iou.shape), atol=1e-6)


@given(boxes())
def test_iou_is_symmetric_and_one_with_itself(a):
    iou = geometry.box_iou(a, a)
    np.testing.assert_allclose(iou, iou.T)
    np.testing.assert_allclose(np.diag(iou), 1, atol=1e-6)


def test_iou_of_boxes_without_area_is_zero():
    point = np.zeros((1, 4))
    assert geometry.box_iou(point, point).item() == 0


@given(boxes())
def test_clip_stays_inside_and_keeps_inner_boxes(xyxy):
    clipped = geometry.clip_boxes(xyxy, height=300, width=400)
    assert (clipped >= 0).all() and (clipped <= [400, 300, 400, 300]).all()
    inside = ((xyxy >= 0) & (xyxy <= [400, 300, 400, 300])).all(axis=1)
    assert (clipped[inside] == xyxy[inside]).all()


@given(boxes(), st.sampled_from([0.1, 0.5, 0.9]), st.randoms(use_true_random=False))
def test_nms_keeps_a_maximal_set_of_boxes_apart(xyxy, threshold, random):
    scores = np.array(random.sample(range(100), len(xyxy)), float)
    kept = geometry.nms(xyxy, scores, threshold)
    assert (np.diff(scores[kept]) < 0).all()
    iou = geometry.box_iou(xyxy, xyxy)
    assert (iou[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] <= threshold).all()
    for index in set(range(len(xyxy))) - set(kept.tolist()):
        better = kept[scores[kept] > scores[index]]
        assert (iou[index, better] > threshold).any()


@pytest.mark.parametrize('bad', [
    [np.nan, 0, 1, 1], [0, 0, np.inf, 1], [0, 0, 1e30, 1], [5, 0, 4, 1], [0, 0, 1, 0]])
def test_invalid_boxes_are_found(bad):
    assert geometry.valid_boxes(np.array([bad, [0, 0, 1, 1]])).tolist() == [False, True]


@pytest.mark.parametrize(('size', 'ratio'), [((416, 416), 1), ((832, 416), 0.5), ((208, 104), 2)])
def test_letterbox_ratio_fits_the_tighter_side(size, ratio):
    assert geometry.letterbox_ratio(*size, (416, 416)) == ratio
