# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracks with positions in space become detections and markers."""

from types import SimpleNamespace

from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from finetrack_ros.ros.positions.depth import Positions
from finetrack_ros.ros.positions.depth_conversions import to_detection_3d_array, to_markers_3d

pytestmark = pytest.mark.ros

HEADER = Header(stamp=Time(sec=3, nanosec=5), frame_id='camera')
BIG = 2**40 + 1

masks = st.lists(st.booleans(), max_size=8)


def located(mask):
    """Return tracks and positions; those without a position hold NaN."""
    count = len(mask)
    table = np.arange(6.0 * count).reshape(count, 6) + 1
    table[~np.array(mask, bool)] = np.nan
    tracks = SimpleNamespace(ids=np.arange(count) + BIG,
                             scores=np.linspace(0.5, 1, count, dtype=np.float32))
    return tracks, Positions(table[:, :3], table[:, 3:], np.array(mask, bool))


@given(masks)
def test_tracks_without_a_position_are_left_out(mask):
    tracks, positions = located(mask)
    msg = to_detection_3d_array(tracks, ['person'] * len(mask), positions, HEADER)
    assert [int(d.id) - BIG for d in msg.detections] == np.flatnonzero(mask).tolist()
    assert all(d.header == msg.header == HEADER for d in msg.detections)


def test_detection_holds_pose_size_class_and_score():
    tracks, positions = located([True, True])
    detection = to_detection_3d_array(tracks, ['person', 'car'], positions, HEADER).detections[1]
    position, size = detection.bbox.center.position, detection.bbox.size
    result, = detection.results
    assert (position.x, position.y, position.z) == (7, 8, 9)
    assert (size.x, size.y, size.z) == (10, 11, 12)
    assert result.pose.pose == detection.bbox.center
    assert detection.bbox.center.orientation.w == 1
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('car', 1.0)


@given(masks)
def test_markers_replace_the_last_ones_by_a_box_and_a_label_each(mask):
    tracks, positions = located(mask)
    first, *others = to_markers_3d(tracks, ['person'] * len(mask), positions, HEADER).markers
    assert first.action == Marker.DELETEALL
    assert [m.type for m in others] == [Marker.CUBE, Marker.TEXT_VIEW_FACING] * sum(mask)
    assert len({(m.ns, m.id) for m in others}) == len(others)
    assert all(m.header == HEADER and m.color.a > 0 for m in others)


def test_label_stands_above_the_box():
    tracks, positions = located([True])
    _, box, label = to_markers_3d(tracks, ['person'], positions, HEADER).markers
    assert (box.scale.x, box.scale.y, box.scale.z) == (4, 5, 6)
    assert label.text == f'person {BIG}'
    assert label.pose.position.y < box.pose.position.y - box.scale.y / 2
