# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given, settings, strategies
import numpy as np
import pytest

from finetrack_ros.evaluation.reid import colour_histogram, rank_k_and_map


def plain_loop(queries, query_ids, query_cameras, gallery, gallery_ids, gallery_cameras):
    """Score one query and one gallery image at a time: the readable twin."""
    firsts, precisions = [], []
    for vector, identity, camera in zip(queries, query_ids, query_cameras, strict=True):
        rank, hits, precision = 0, 0, []
        for index in np.argsort(-(gallery @ vector), kind='stable'):
            if gallery_ids[index] == identity and gallery_cameras[index] == camera:
                continue
            rank += 1
            if gallery_ids[index] == identity:
                hits += 1
                precision.append(hits / rank)
                if hits == 1:
                    first = rank
        if hits:
            firsts.append(first)
            precisions.append(np.mean(precision))
    ranks = [np.mean([first <= k for first in firsts]) for k in (1, 5, 10)]
    return [*ranks, np.mean(precisions), len(firsts)]


def as_list(scores):
    return [scores.rank1, scores.rank5, scores.rank10, scores.mean_average_precision,
            scores.queries]


@settings(deadline=None)
@given(seed=strategies.integers(0, 10000), queries=strategies.integers(1, 300),
       people=strategies.integers(1, 8))
def test_equals_the_plain_loop(seed, queries, people):
    random = np.random.default_rng(seed)

    def draw(count):
        vectors = random.normal(size=(count, 5)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors, random.integers(0, people, count), random.integers(0, 3, count)

    query, gallery = draw(queries), draw(20)
    query[1][0], query[2][0] = gallery[1][0], gallery[2][0] + 1
    np.testing.assert_allclose(as_list(rank_k_and_map(*query, *gallery)),
                               plain_loop(*query, *gallery), rtol=1e-6)


def test_hand_computed_ranking():
    # Nearest is the same person in the same camera (removed), then a stranger, then the match.
    query = np.array([[1.0, 0.0]]), np.array([1]), np.array([1])
    gallery = (np.array([[1, 0], [1, 0.1], [1, 0.2], [1, 0.3]], float), np.array([1, 2, 1, 1]),
               np.array([1, 2, 2, 3]))
    scores = rank_k_and_map(*query, *gallery)
    assert as_list(scores) == pytest.approx([0, 1, 1, (1 / 2 + 2 / 3) / 2, 1])


def test_length_of_vectors_does_not_matter():
    random = np.random.default_rng(3)
    vectors, ids, cameras = random.normal(size=(30, 4)), np.arange(30) % 5, np.arange(30) % 3
    scaled = vectors * random.uniform(0.1, 9, (30, 1))
    assert (rank_k_and_map(vectors, ids, cameras, vectors, ids, cameras)
            == rank_k_and_map(scaled, ids, cameras, scaled, ids, cameras))


def test_without_any_match_there_is_no_score():
    one = np.ones((1, 2)), np.array([1]), np.array([1])
    with pytest.raises(ValueError, match='another camera'):
        rank_k_and_map(*one, *one)


def test_colours_tell_red_from_blue_and_not_a_person_from_himself():
    red, blue = np.zeros((128, 64, 3), np.uint8), np.zeros((128, 64, 3), np.uint8)
    red[..., 2], blue[..., 0] = 200, 200
    rows = colour_histogram([red, red[:64], blue])
    assert rows.shape == (3, 192)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(rows @ rows.T, [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-6)


def test_no_crops_give_no_rows():
    assert colour_histogram([]).shape == (0, 192)
