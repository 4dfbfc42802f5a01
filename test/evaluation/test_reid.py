# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given, settings, strategies
import numpy as np
import pytest

from finetrack_ros.evaluation.reid import colour_histogram, retrieve, score_pairs, unit_rows


def plain_loop(similarity, same, allowed):
    """Score one query and one gallery image at a time: the readable twin."""
    firsts, precisions = [], []
    for row, same_row, allowed_row in zip(similarity, same, allowed, strict=True):
        rank, hits, precision = 0, 0, []
        for index in np.argsort(-row, kind='stable'):
            if not allowed_row[index]:
                continue
            rank += 1
            if same_row[index]:
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
@given(seed=strategies.integers(0, 10000), queries=strategies.integers(1, 60),
       people=strategies.integers(1, 8))
def test_equals_the_plain_loop(seed, queries, people):
    random = np.random.default_rng(seed)
    similarity = random.normal(size=(queries, 20))
    same = random.integers(0, people, queries)[:, None] == random.integers(0, people, 20)
    allowed = random.random((queries, 20)) < 0.7
    same[0, 0] = allowed[0, 0] = True
    np.testing.assert_allclose(as_list(score_pairs(similarity, same, allowed)),
                               plain_loop(similarity, same, allowed), rtol=1e-9)


def test_hand_computed_ranking():
    # Nearest is the same person, not in the gallery; then a stranger, then two matches.
    scores = score_pairs(np.array([[0.9, 0.8, 0.7, 0.6]]), np.array([[True, False, True, True]]),
                         np.array([[False, True, True, True]]))
    assert as_list(scores) == pytest.approx([0, 1, 1, (1 / 2 + 2 / 3) / 2, 1])
    assert scores.cmc[:3] == (0, 1, 1)
    assert len(scores.cmc) == 20


def test_without_any_match_there_is_no_score():
    with pytest.raises(ValueError, match='gallery'):
        score_pairs(np.ones((1, 2)), np.array([[True, False]]), np.array([[False, True]]))


def test_each_pair_is_compared_once():
    similarity = np.array([[1, 0.9, 0.2], [0.9, 1, 0.3], [0.2, 0.3, 1]])
    same = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    found = retrieve(similarity, same, ~np.eye(3, dtype=bool))
    assert found.same.tolist() == [0.9]
    assert found.other.tolist() == [0.2, 0.3]
    assert (found.scores.rank1, found.scores.queries) == (1, 2)


def test_rows_get_unit_length_but_for_zero():
    np.testing.assert_allclose(unit_rows(np.array([[3, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])


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
