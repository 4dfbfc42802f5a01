# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from finetrack_ros.datasets import Market1501
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.peers import OSNET, OsnetEmbedder
from finetrack_ros.evaluation.reid import colour_histogram
from finetrack_ros.evaluation.reid_sets import (
    cosines,
    find_across_cameras,
    find_again,
    on_boxes,
    on_canvases,
    read_crops,
    reid_on_sequence,
    REID_SETS,
    scene_cosines,
)


def mean_colours(image, boxes):
    return np.array([image[top:bottom, left:right].mean(axis=(0, 1))
                     for left, top, right, bottom in boxes.astype(int)], np.float32)


def test_people_of_distinct_colours_are_found_again(painted_walk):
    scores = reid_on_sequence(mean_colours, painted_walk)
    assert (scores.rank1, scores.mean_average_precision) == (1, 1)
    # Frames 5, 10, ... 60: all but 35 and 30 are 25 frames or more from another one.
    assert scores.queries == 2 * 12


def test_only_crops_far_away_in_time_are_searched(painted_walk):
    crops = read_crops(painted_walk, '1:60', step=20)
    assert crops.frames.tolist() == [20, 20, 40, 40, 60, 60]
    assert crops.ids.tolist() == [1, 2, 1, 2, 1, 2]
    # Crops of one person are alike, but for frame 60, where the two have changed clothes.
    looks = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [1, 0]], np.float32)
    found = find_again(cosines(looks), crops)
    assert found.scores.queries == 4, 'frame 40 is 20 frames from either'
    assert found.scores.rank1 == 0
    assert (found.same.tolist(), found.other.tolist()) == ([0, 0], [1, 1])


def test_small_and_hidden_people_are_left_out(painted_walk):
    truth = painted_walk / 'gt' / 'gt.txt'
    truth.write_text('30,1,10,10,30,60,1,1,0.5\n30,2,60,10,30,59,1,1,1\n'
                     '30,3,110,10,30,80,1,1,0.4\n30,4,160,10,30,80,0,1,1\n')
    assert read_crops(painted_walk).ids.tolist() == [1]
    with pytest.raises(SourceError, match='nobody'):
        read_crops(painted_walk, step=7)


def test_nobody_seen_again_has_no_score(painted_walk):
    with pytest.raises(ValueError, match='gallery'):
        reid_on_sequence(mean_colours, painted_walk, '1:20')


def test_scene_mean_takes_out_what_all_share():
    vectors = np.array([[9, 1, 0], [9, 0, 1]] * 40, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert cosines(vectors)[0, 1] > 0.98
    assert scene_cosines(vectors)[0, 1] < 0
    assert scene_cosines(vectors)[0, 2] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('count', [1, 15, 40])
def test_crops_keep_their_order_and_pixels_on_canvases(count):
    random = np.random.default_rng(1)
    crops = list(random.integers(0, 255, (count, 128, 64, 3), np.uint8))
    vectors = on_canvases(mean_colours)(crops)
    np.testing.assert_allclose(vectors, [crop.mean(axis=(0, 1)) for crop in crops], rtol=1e-5)


def test_colour_baseline_on_market(shared_data):
    """A sanity bound: far above chance (1 of 100 identities), far below a learned embedding."""
    market = Market1501(shared_data / 'reid' / 'market1501_train.tar')
    scores = find_across_cameras(colour_histogram, market).scores
    assert 0.1 < scores.rank1 < 0.4
    assert scores.rank1 < scores.rank5 < scores.rank10
    assert 0.05 < scores.mean_average_precision < 0.25


# What the data's description says of OSNet on these crops: Rank-1 and mAP.
PUBLISHED = {'MOT16-09 (second half)': (0.948, 0.860), 'ETH-Sunnyday': (0.876, 0.839),
             'TUD-Campus': (0.797, 0.732), 'KITTI-17': (0.692, 0.574)}


@pytest.mark.slow
@pytest.mark.parametrize('name', PUBLISHED)
def test_osnet_has_the_figures_known_of_it(shared_data, name):
    where = REID_SETS[name]
    osnet = on_boxes(OsnetEmbedder(shared_data / OSNET))
    scores = reid_on_sequence(osnet, shared_data / where.path, None, where.step)
    # Half a pixel at the edge of a crop turns one or two of 69 to 268 queries.
    assert (scores.rank1, scores.mean_average_precision) == pytest.approx(
        PUBLISHED[name], abs=0.02)
