# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Candidate pairs and their assignment agree with dense matrices."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from reference import dense_assignment

from finetrack_ros.geometry import box_iou
from finetrack_ros.tracking.association import assign, cosine, overlapping_pairs, Pairs

seeds = st.integers(0, 2 ** 32 - 1)
sizes = st.integers(0, 12)


def random_boxes(rng, count):
    """Draw xyxy boxes [count, 4] that overlap often."""
    corner = rng.uniform(0, 100, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 60, (count, 2))], axis=1)


@given(seeds, sizes, sizes)
def test_pairs_are_those_with_a_positive_iou(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = random_boxes(rng, n), random_boxes(rng, m)
    pairs = overlapping_pairs(a, b)
    dense = np.zeros((n, m))
    dense[pairs.rows, pairs.cols] = pairs.iou
    np.testing.assert_allclose(dense, box_iou(a, b), atol=1e-6)
    assert (pairs.iou > 0).all() and (pairs.height > 0).all() and (pairs.height <= 1).all()


@given(seeds, sizes, sizes)
def test_pairs_of_wider_boxes_are_those_of_boxes_that_are_wider(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = random_boxes(rng, n), random_boxes(rng, m)
    margin = rng.uniform(0, 20, (n, 2))
    wider = np.concatenate([-margin, margin], axis=1)
    pairs, dense = overlapping_pairs(a, b, margin), np.zeros((n, m))
    dense[pairs.rows, pairs.cols] = pairs.iou
    expected = [box_iou(a[[i]] + wider[i], b + wider[i])[0] for i in range(n)]
    np.testing.assert_allclose(dense, np.reshape(expected, (n, m)), atol=1e-5)


@given(seeds, st.integers(1, 12), st.integers(1, 12), st.floats(0, 1))
def test_cosine_of_pairs_equals_the_dense_product(seed, n, m, share):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 8)).astype('f4'), rng.normal(size=(m, 8)).astype('f4')
    pairs = Pairs(*np.nonzero(rng.random((n, m)) < share))
    np.testing.assert_allclose(cosine(a, b, pairs), (a @ b.T)[pairs.rows, pairs.cols], atol=1e-4)


@given(seeds, sizes, sizes, st.sampled_from([0.2, 0.5, 1.0]))
def test_assignment_equals_lap_with_a_cost_limit(seed, n, m, share):
    rng = np.random.default_rng(seed)
    pairs = Pairs(*np.nonzero(rng.random((n, m)) < share))
    cost = rng.random(len(pairs))
    chosen = assign(pairs, cost, 0.6)
    result = set(zip(pairs.rows[chosen].tolist(), pairs.cols[chosen].tolist(), strict=True))
    assert result == dense_assignment(pairs.rows, pairs.cols, cost, 0.6, (n, m))


def test_assignment_leaves_costs_at_the_limit():
    pairs = Pairs(np.array([0, 1]), np.array([0, 1]))
    assert assign(pairs, np.array([0.5, 0.4]), 0.5).tolist() == [1]
