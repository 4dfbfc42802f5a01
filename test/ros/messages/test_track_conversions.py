# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracks survive the way through messages."""

from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from finetrack_ros.ros.messages.track_conversions import (
    class_labels,
    from_detection_array,
    metres_per_pixel,
    stamp_seconds,
    to_detection_array,
    to_embeddings,
    to_markers,
)
from finetrack_ros.tracking import Tracks, TrackState

pytestmark = pytest.mark.ros

HEADER = Header(stamp=Time(sec=3, nanosec=500_000_000), frame_id='camera')


def make_tracks(boxes, embeddings=None):
    count = len(boxes)
    return Tracks(
        ids=np.arange(1, count + 1), boxes=np.array(boxes, np.float32).reshape(count, 4),
        velocities=np.zeros((count, 4), np.float32),
        scores=np.linspace(0.5, 1, count, dtype=np.float32), classes=np.zeros(count, np.int32),
        ages=np.zeros(count, np.float32), hits=np.ones(count, np.int32),
        time_since_seen=np.zeros(count, np.float32),
        states=np.full(count, TrackState.CONFIRMED, np.uint8),
        detection_indices=np.arange(count, dtype=np.int32), embeddings=embeddings)


coordinates = st.integers(-2000, 6000)
box_lists = st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=8)


@given(box_lists)
def test_boxes_ids_and_scores_round_trip(boxes):
    tracks = make_tracks(boxes)
    again = from_detection_array(to_detection_array(tracks, ['person'] * len(tracks), HEADER))
    assert np.array_equal(again.ids, tracks.ids)
    assert np.array_equal(again.boxes, tracks.boxes)
    assert np.array_equal(again.scores, tracks.scores)


def test_messages_do_not_grow_with_use():
    tracks = make_tracks([(0, 0, 10, 20)])
    sizes = [len(to_detection_array(tracks, ['person'], HEADER).detections) for _ in range(3)]
    assert sizes == [1, 1, 1]


def test_x_runs_to_the_right():
    msg = to_detection_array(make_tracks([(0, 0, 100, 20)]), ['person'], HEADER)
    bbox = msg.detections[0].bbox
    assert (bbox.size_x, bbox.size_y) == (100, 20)
    assert (bbox.center.position.x, bbox.center.position.y) == (50, 10)


def test_ids_that_are_no_numbers_are_refused():
    msg = to_detection_array(make_tracks([(0, 0, 1, 1)]), ['person'], HEADER)
    msg.detections[0].id = 'left'
    with pytest.raises(ValueError, match='left'):
        from_detection_array(msg)


def test_embeddings_leave_out_tracks_that_have_none():
    rows = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    msg = to_embeddings(make_tracks([(0, 0, 1, 1)] * 3, rows), 2, HEADER)
    assert list(msg.ids) == ['1', '3']
    assert list(msg.data) == [1, 0, 0, 1]
    assert (msg.dim, msg.header) == (2, HEADER)


def test_embeddings_without_appearance_are_empty():
    msg = to_embeddings(make_tracks([(0, 0, 1, 1)]), 2, HEADER)
    assert list(msg.ids) == []
    assert len(msg.data) == 0


@pytest.mark.parametrize(('as_index', 'labels'), [
    (False, ['person', 'car', '7']), (True, ['0', '1', '7'])])
def test_labels_are_names_or_indices(as_index, labels):
    assert class_labels(['person', 'car'], np.array([0, 1, 7]), as_index) == labels


@given(box_lists)
def test_markers_clear_the_last_ones_and_outline_each_box(boxes):
    markers = to_markers(make_tracks(boxes), ['person'] * len(boxes), HEADER, 0.01).markers
    assert [m.action for m in markers[:2]] == [Marker.DELETEALL, Marker.ADD]
    assert len(markers[1].points) == len(markers[1].colors) == 8 * len(boxes)
    assert all(marker.header == HEADER for marker in markers)
    assert all(marker.lifetime.sec == 1 for marker in markers[1:])
    assert [m.text for m in markers[2:]] == [f'person {i + 1}' for i in range(len(boxes))]


@pytest.mark.parametrize(('asked', 'width', 'scale'), [
    (0.02, 1920, 0.02), (0.0, 1920, 0.004), (0.0, 768, 0.01), (0.0, None, 0.01)])
def test_markers_fit_the_view_whatever_the_images_size(asked, width, scale):
    assert metres_per_pixel(asked, width) == pytest.approx(scale)


def test_labels_of_markers_are_close_set_and_legible_on_a_dark_ground():
    labels = to_markers(make_tracks([(0, 0, 9, 9)] * 50), ['a'] * 50, HEADER, 0.01).markers[2:]
    assert all(m.scale.x == pytest.approx(0.3 * m.scale.z) for m in labels)
    light = [0.299 * m.color.r + 0.587 * m.color.g + 0.114 * m.color.b for m in labels]
    assert min(light) > 0.59
    assert len({(m.color.r, m.color.g, m.color.b) for m in labels}) > 5


def test_stamp_in_seconds():
    assert stamp_seconds(HEADER.stamp) == 3.5
