# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given, strategies
import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.evaluation.detection import (
    average_precision,
    precision_recall,
    truth_boxes,
    TruthBoxes,
)
from finetrack_ros.evaluation.ground_truth import read_ground_truth

LEFT, RIGHT, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [90, 90, 99, 99]


def found(*boxes_and_scores):
    boxes = [box for box, _ in boxes_and_scores]
    scores = [score for _, score in boxes_and_scores]
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores),
                      np.zeros(len(scores)))


def truth(*boxes, ignored=()):
    rows = np.array([*boxes, *ignored], np.float32).reshape(-1, 4)
    return TruthBoxes(rows, np.arange(len(rows)) >= len(boxes))


@pytest.mark.parametrize(('detections', 'expected'), [
    ([(LEFT, 0.9), (RIGHT, 0.8)], 1.0),
    ([], 0.0),
    ([(LEFT, 0.9)], 0.5),
    # Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1: area 1/2 * 1 + 1/2 * 2/3.
    ([(LEFT, 0.9), (FAR, 0.8), (RIGHT, 0.7)], 0.5 + 0.5 * 2 / 3),
    # A second detection of the same box is a false positive.
    ([(LEFT, 0.9), (LEFT, 0.8), (RIGHT, 0.7)], 0.5 + 0.5 * 2 / 3),
    # A false positive before all others: precision 0, 1/2, 2/3, made monotonic 2/3.
    ([(FAR, 0.9), (LEFT, 0.8), (RIGHT, 0.7)], 2 / 3),
    # Overlap of 8/12 counts, of 4/16 does not.
    ([([2, 0, 12, 10], 0.9), ([26, 0, 36, 10], 0.8)], 0.5),
])
def test_hand_computed_cases(detections, expected):
    assert average_precision([found(*detections)], [truth(LEFT, RIGHT)]) == pytest.approx(expected)


def test_detections_on_ignored_boxes_do_not_count():
    detections = found((FAR, 0.95), (FAR, 0.9), (LEFT, 0.8))
    assert average_precision([detections], [truth(LEFT, ignored=[FAR])]) == 1
    assert average_precision([detections], [truth(LEFT)]) == pytest.approx(1 / 3)


def test_box_to_be_found_goes_before_an_ignored_one_on_the_same_place():
    assert average_precision([found((LEFT, 0.9))], [truth(LEFT, ignored=[LEFT])]) == 1


def test_best_overlap_is_taken_and_the_other_left_free():
    close = [2, 0, 12, 10]
    detections = found(([1.9, 0, 11.9, 10], 0.9), ([0, 0, 10, 10], 0.8))
    assert average_precision([detections], [truth(LEFT, close)]) == 1


def test_images_are_ranked_together():
    detections = [found((FAR, 0.95)), found((LEFT, 0.9))]
    assert average_precision(detections, [truth(), truth(LEFT)]) == 0.5


def test_without_boxes_to_find_there_is_no_precision():
    with pytest.raises(ValueError, match='at least one'):
        average_precision([found((LEFT, 0.9))], [truth(ignored=[LEFT])])


def test_curve_and_what_it_gives_between_its_points():
    curve = precision_recall([found((LEFT, 0.9), (FAR, 0.8), (RIGHT, 0.7))],
                             [truth(LEFT, RIGHT, [50, 50, 60, 60])])
    np.testing.assert_allclose(curve.recall, [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(curve.precision, [1, 2 / 3, 2 / 3])
    np.testing.assert_allclose(curve.at(np.array([0, 1 / 3, 0.5, 0.9])), [1, 1, 2 / 3, 0])


def test_higher_iou_asks_for_tighter_boxes():
    loose = [2, 0, 12, 10]
    assert average_precision([found((loose, 0.9))], [truth(LEFT)], 0.5) == 1
    assert average_precision([found((loose, 0.9))], [truth(LEFT)], 0.75) == 0


# Multiples of 1/64: their squares stay distinct in float32.
score = strategies.integers(1, 64).map(lambda part: part / 64)
corner = strategies.integers(0, 3)
scene = strategies.lists(strategies.tuples(corner, corner, score), max_size=8)


@given(scene, strategies.integers(1, 4))
def test_precision_is_bounded_and_depends_on_the_order_of_scores_only(cells, count):
    boxes = [([20 * x, 20 * y, 20 * x + 10, 20 * y + 10], score) for x, y, score in cells]
    truths = [truth(*[[20 * i, 20 * i, 20 * i + 10, 20 * i + 10] for i in range(count)])]
    value = average_precision([found(*boxes)], truths)
    assert 0 <= value <= 1
    squared = average_precision([found(*[(box, score ** 2) for box, score in boxes])], truths)
    assert squared == pytest.approx(value)
    # A false alarm below all scores changes nothing; above all it never helps.
    assert average_precision([found(*boxes, (FAR, 0.0))], truths) == pytest.approx(value)
    assert average_precision([found((FAR, 1.5), *boxes)], truths) <= value + 1e-9


def test_hidden_people_and_other_classes_are_ignored(tmp_path):
    (tmp_path / 'gt.txt').write_text(
        '1,1,0,0,10,10,1,1,0.9\n1,2,20,0,10,10,1,1,0.25\n1,3,40,0,10,10,0,8,1\n'
        '2,1,0,0,10,10,1,1,0.9\n')
    boxes = truth_boxes(read_ground_truth(tmp_path / 'gt.txt'), frame=1)
    assert boxes.boxes[:, 0].tolist() == [0, 20, 40]
    assert boxes.ignored.tolist() == [False, True, True]
