# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Foreign detections become arrays, and images find the detections of their stamp."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from finetrack_ros.ros.inputs.detection_input import ClassNames, MAX_CLASSES, to_detections
from finetrack_ros.ros.inputs.pairing import StampPairs

pytestmark = pytest.mark.ros

WILD = st.floats(width=64, allow_nan=True, allow_infinity=True)


def message(*rows):
    """Return a message of rows (x, y, width, height, angle, score, class)."""
    msg = Detection2DArray()
    for x, y, width, height, theta, score, name in rows:
        detection, result = Detection2D(), ObjectHypothesisWithPose()
        detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
        detection.bbox.center.theta = theta
        detection.bbox.size_x, detection.bbox.size_y = width, height
        result.hypothesis.class_id, result.hypothesis.score = name, score
        detection.results.append(result)
        msg.detections.append(detection)
    return msg


def convert(*rows, names=None, least=0.0, most=100):
    return to_detections(message(*rows), ClassNames() if names is None else names, least, most)


def test_box_score_and_class_are_taken_over():
    detections, bad, fault = convert((100.0, 50.0, 40.0, 20.0, 0.0, 0.5, 'cat'))
    assert detections.boxes.tolist() == [[80.0, 40.0, 120.0, 60.0]]
    assert detections.scores.tolist() == [0.5]
    assert (detections.classes.tolist(), bad, fault) == ([0], 0, '')


@pytest.mark.parametrize(('angle', 'width', 'height'), [
    (np.pi / 2, 20.0, 40.0), (np.pi, 40.0, 20.0), (np.pi / 4, 60 / 2**0.5, 60 / 2**0.5)])
def test_rotated_box_becomes_the_upright_box_around_it(angle, width, height):
    box = convert((100.0, 50.0, 40.0, 20.0, angle, 0.5, ''))[0].boxes[0]
    assert box[2:] - box[:2] == pytest.approx([width, height], rel=1e-5)
    assert (box[2:] + box[:2]) / 2 == pytest.approx([100.0, 50.0])


def test_only_wanted_classes_are_kept():
    rows = [(0.0, 0.0, 1.0, 1.0, 0.0, score, name)
            for score, name in ((0.9, 'dog'), (0.8, 'cat'), (0.7, 'dog'), (0.6, 'cat'))]
    names = ClassNames()
    detections, bad, _ = to_detections(message(*rows), names, 0.0, 1, {'cat'})
    assert detections.scores.tolist() == pytest.approx([0.8])
    assert (list(names), bad) == (['cat'], 0)
    assert len(to_detections(message(*rows), names, 0.0, 9, {'bird'})[0]) == 0


def test_names_keep_their_index_from_message_to_message():
    names = ClassNames()
    convert((0.0, 0.0, 1.0, 1.0, 0.0, 0.9, 'dog'), (0.0, 0.0, 1.0, 1.0, 0.0, 0.5, 'cat'),
            names=names)
    classes = convert((0.0, 0.0, 1.0, 1.0, 0.0, 0.9, 'cat'), names=names)[0].classes
    assert classes.tolist() == [1]
    assert list(names) == ['dog', 'cat']


def test_classes_without_end_are_refused():
    names = ClassNames([str(number) for number in range(MAX_CLASSES)])
    detections, bad, fault = convert((0.0, 0.0, 1.0, 1.0, 0.0, 0.9, 'one more'), names=names)
    assert (len(detections), bad, len(names)) == (0, 1, MAX_CLASSES)
    assert 'class_id must name a class' in fault


def test_weak_detections_and_those_beyond_the_number_are_left_out():
    rows = [(0.0, 0.0, 1.0, 1.0, 0.0, score / 10, 'a') for score in range(10)]
    detections, bad, _ = convert(*rows, least=0.3, most=4)
    assert detections.scores == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert bad == 0


@given(st.lists(st.tuples(WILD, WILD, WILD, WILD, WILD, WILD, st.sampled_from('abc'))))
def test_whatever_comes_is_sound_or_counted(rows):
    detections, bad, fault = convert(*rows)
    assert len(detections) + bad == len(rows)
    assert bool(fault) == bool(bad)
    assert np.isfinite(detections.boxes).all()
    assert (detections.boxes[:, 2:] > detections.boxes[:, :2]).all()
    assert ((detections.scores >= 0) & (detections.scores <= 1)).all()


def stamped(stamp):
    return SimpleNamespace(header=SimpleNamespace(stamp=SimpleNamespace(sec=stamp, nanosec=0)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=60), st.integers(1, 4))
def test_pairs_have_one_stamp_and_everybody_is_paired_waiting_or_given_up(arrivals, depth):
    lost = [0, 0]

    def count(images, detections):
        lost[0] += images
        lost[1] += detections
    pairs, found = StampPairs(depth, count), 0
    for is_image, stamp in arrivals:
        pair = (pairs.add_image if is_image else pairs.add_detections)(stamped(stamp))
        if pair:
            found += 1
            assert pair[0].header.stamp == pair[1].header.stamp
            assert pair[0].header.stamp.sec != 0
    images = sum(is_image for is_image, _ in arrivals)
    waiting = (images - found - lost[0], len(arrivals) - images - found - lost[1])
    assert all(0 <= count <= depth for count in waiting)


def test_a_pair_ends_the_wait_of_what_came_before():
    lost = []
    pairs = StampPairs(10, lambda images, detections: lost.append((images, detections)))
    for stamp in (1, 2, 3):
        pairs.add_image(stamped(stamp))
    assert pairs.add_detections(stamped(2)) is not None
    assert pairs.add_detections(stamped(1)) is None
    assert pairs.add_detections(stamped(3)) is not None
    assert (sum(i for i, _ in lost), sum(d for _, d in lost)) == (1, 1)
