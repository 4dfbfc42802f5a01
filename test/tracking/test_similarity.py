# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Each term of the association does what it says, and another one is another class."""

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import cxcywh_to_xyxy
from finetrack_ros.tracking import TrackerConfig, TrackState
from finetrack_ros.tracking.association import overlapping_pairs
from finetrack_ros.tracking.similarity import Context, similarity, TERMS, WeakDetections
from finetrack_ros.tracking.store import TrackStore

BOX = np.array([100.0, 100, 150, 250])


def scene(scores=(0.9, 0.9), classes=(0, 0), **config):
    """Return the pairs and the context of a seen and a lost track at two places."""
    config = TrackerConfig(**config)
    store = TrackStore()
    store.append(2)
    store.position[:] = [[125, 175, 50, 150], [145, 175, 50, 150]]
    store.states[:] = [TrackState.CONFIRMED, TrackState.LOST]
    boxes = np.stack([BOX, BOX + [20, 0, 20, 0]])
    detections = Detections(boxes, np.array(scores), np.array(classes))
    low = detections.scores < config.high_score
    pairs = overlapping_pairs(cxcywh_to_xyxy(store.position), boxes)
    return pairs, Context(store, detections, low, ~low, None, config)


def values(pairs, scores):
    """Return the similarity by track and detection."""
    keys = zip(pairs.rows.tolist(), pairs.cols.tolist(), strict=True)
    return dict(zip(keys, scores.tolist(), strict=True))


def test_overlap_and_score_multiply():
    found = values(*similarity(*scene(scores=(0.9, 0.7))))
    assert found == pytest.approx(
        {(0, 0): 0.9, (0, 1): 0.3, (1, 0): 0.9 * 3 / 7, (1, 1): 0.7}, abs=1e-6)


def test_weak_detections_pay_and_continue_only_what_was_just_seen():
    found = values(*similarity(*scene(scores=(0.39, 0.9), match_similarity=0.0)))
    assert found == pytest.approx({(0, 0): 0.19, (0, 1): 0.9 * 3 / 7, (1, 1): 0.9}, abs=1e-6)


def test_other_classes_are_dropped_where_the_policy_says_so():
    assert len(values(*similarity(*scene(classes=(0, 1))))) == 4
    found = values(*similarity(*scene(classes=(0, 1), class_policy='forbid')))
    assert list(found) == [(0, 0), (1, 0)]


def test_a_new_cost_is_a_new_class():
    class Nearest:
        """Centres at the same height."""

        def apply(self, pairs, scores, context):
            tracks = context.store.position[pairs.rows, 1]
            boxes = context.detections.boxes[pairs.cols]
            apart = np.abs(tracks - (boxes[:, 1] + boxes[:, 3]) / 2)
            return pairs, scores - np.float32(0.01) * apart.astype(np.float32)

    pairs, context = scene()
    context.store.position[0, 1] += 10
    _, with_it = similarity(pairs, context, (*TERMS, Nearest()))
    _, without = similarity(pairs, context, TERMS)
    np.testing.assert_allclose(without - with_it, [0.1, 0.1, 0, 0], atol=1e-6)


def test_no_pairs_are_no_trouble():
    pairs, context = scene()
    found, scores = similarity(pairs[:0], context)
    assert len(found) == len(scores) == 0
    kept, _ = similarity(pairs, context, (WeakDetections(),))
    assert len(kept) == len(pairs)
