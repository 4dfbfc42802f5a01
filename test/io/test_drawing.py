# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.io import colour_of, draw_tracks, Trails


def tracks(ids, boxes):
    return SimpleNamespace(ids=np.array(ids, np.int64),
                           boxes=np.array(boxes, np.float32).reshape(-1, 4))


def has_colour(image, colour):
    return bool((image == np.array(colour, np.uint8)).all(axis=2).any())


def test_colours_are_stable_and_neighbours_differ():
    colours = np.array([colour_of(i) for i in range(1, 13)])
    assert colour_of(7) == tuple(colours[6])
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 50


def test_box_is_drawn_on_a_copy():
    image = np.zeros((100, 120, 3), np.uint8)
    drawn = draw_tracks(image, tracks([5], [[20, 30, 60, 90]]))
    assert not image.any()
    assert drawn.shape == image.shape
    assert tuple(drawn[60, 20]) == colour_of(5)
    assert tuple(drawn[90, 40]) == colour_of(5)
    assert not drawn[60, 40].any()


def test_trail_joins_past_positions():
    image = np.zeros((200, 200, 3), np.uint8)
    trails = Trails(length=10)
    for left in range(0, 100, 10):
        drawn = draw_tracks(image, tracks([1], [[left, 40, left + 40, 140]]), trails)
    assert trails.points(1).tolist() == [[left + 20, 140] for left in range(0, 100, 10)]
    assert drawn[140, 60].any()
    assert not drawn[140, 5].any()


def test_trails_keep_length_points_and_forget_lost_ids():
    trails = Trails(length=3)
    for step in range(5):
        trails.update(np.array([1, 2]), np.full((2, 2), step, np.int32))
    assert trails.points(2)[:, 0].tolist() == [2, 3, 4]
    for _ in range(3):
        trails.update(np.array([1]), np.zeros((1, 2), np.int32))
    assert len(trails) == 1
    assert trails.points(2).shape == (0, 2)


@pytest.mark.parametrize('box', [
    [-50, -50, 20, 20], [90, 70, 500, 400], [1e9, 1e9, 2e9, 2e9], [-1e9, 0, 1e9, 50]])
def test_boxes_beyond_the_image_are_drawn_safely(box):
    image = np.zeros((80, 100, 3), np.uint8)
    drawn = draw_tracks(image, tracks([3], [box]), Trails())
    assert has_colour(drawn, colour_of(3)) or box[0] > 100


def test_no_tracks_leave_the_image_as_it_is():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(draw_tracks(image, tracks([], []), Trails()), image)


def test_labels_stand_before_the_ids():
    image = np.zeros((120, 240, 3), np.uint8)
    one = tracks([3], [[20, 40, 60, 100]])
    plain, named = draw_tracks(image, one), draw_tracks(image, one, labels=['traffic light'])
    above = [drawn[:38].any(axis=(0, 2)).sum() for drawn in (plain, named)]
    assert above[1] > 3 * above[0]
