# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Likeness of tracks and detections, and their assignment.

In a picture most tracks are far from most detections, so likeness is not a matrix but one array
over the candidate pairs: those whose boxes overlap. Only what is left of them after gating, and
only where a row or column has more than one, reaches the assignment solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lap
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.geometry import Boxes

Index = NDArray[np.intp]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SPARSE_PAIRS = 16
"""With fewer than 1/16 of all pairs as candidates, dot products pair by pair beat a matmul."""


@dataclass(frozen=True)
class Pairs:
    """
    Candidate pairs of tracks and detections.

    :ivar rows: track of each pair, [P].
    :ivar cols: detection of each pair, [P].
    """

    rows: Index
    cols: Index

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.rows)

    def __getitem__(self, index: Mask | Index) -> Pairs:
        """Return the pairs that a mask or index array selects."""
        return Pairs(self.rows[index], self.cols[index])


@dataclass(frozen=True)
class Candidates(Pairs):
    """
    Pairs whose boxes overlap.

    :ivar iou: intersection over union of the boxes, float32 [P] in (0, 1].
    :ivar height: the same of their vertical extents alone, float32 [P] in (0, 1].
    """

    iou: Floats
    height: Floats

    def __getitem__(self, index: Mask | Index) -> Candidates:
        """Return the pairs that a mask or index array selects."""
        return Candidates(
            self.rows[index], self.cols[index], self.iou[index], self.height[index])


def overlapping_pairs(a: Boxes, b: Boxes, margin: NDArray[np.floating[Any]] | None = None
                      ) -> Candidates:
    """
    Find the pairs of xyxy boxes that overlap, and how much.

    :param a: boxes [N, 4].
    :param b: boxes [M, 4].
    :param margin: what widens both boxes of each pair on every side, horizontally and vertically,
        for each box of ``a``, [N, 2]; None widens none.
    :return: the pairs [P], ordered by row.
    """
    a, b = a.astype(np.float32), b.astype(np.float32)
    reach = a
    if margin is not None:
        wide = 2 * margin.astype(np.float32)
        reach = np.concatenate([a[:, :2] - wide, a[:, 2:] + wide], axis=1)
    overlap = reach[:, 0, None] < b[:, 2]
    overlap &= reach[:, 2, None] > b[:, 0]
    overlap &= reach[:, 1, None] < b[:, 3]
    overlap &= reach[:, 3, None] > b[:, 1]
    # Faster than np.nonzero of the matrix itself.
    rows, cols = np.divmod(np.flatnonzero(overlap), max(len(b), 1))
    first, second = a[rows].T, b[cols].T
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    own, other, hull = (first[2:] - first[:2], second[2:] - second[:2],
                        np.maximum(first[3], second[3]) - np.minimum(first[1], second[1]))
    if margin is not None:
        wider = wide[rows].T
        for part in (sides, own, other):
            part += wider
        hull += wider[1]
    inter = sides[0] * sides[1]
    union = own[0] * own[1] + other[0] * other[1] - inter
    np.maximum(union, np.finfo(np.float32).tiny, out=union)
    return Candidates(rows, cols, np.minimum(inter / union, 1), sides[1] / hull)


def cosine(a: Floats, b: Floats, pairs: Pairs) -> Floats:
    """
    Return the dot product of each pair of unit embeddings.

    :param a: float32 [N, D].
    :param b: float32 [M, D].
    :return: float32 [P].
    """
    if len(pairs) * SPARSE_PAIRS < len(a) * len(b):
        return np.einsum('pd,pd->p', a[pairs.rows], b[pairs.cols])
    product: Floats = a @ b.T
    return product[pairs.rows, pairs.cols]


def lead(values: Floats, group: Index, count: int) -> Floats:
    """
    Return by how much the best pair of each group beats the second best.

    The gap between the best and the second best appearance tells how far appearance can be
    trusted for that track or detection (Deep OC-SORT, arXiv 2302.11813).

    :param values: at least 0, float32 [P].
    :param group: row or column of each pair, [P].
    :param count: number of rows or columns.
    :return: float32 [count]; the best value itself where a group has one pair, 0 where none.
    """
    best = np.zeros(count, np.float32)
    np.maximum.at(best, group, values)
    rest = np.where(values < best[group], values, 0)
    # A group whose best value occurs twice has no leader.
    ties = np.bincount(group[values == best[group]], minlength=count) > 1
    second = np.zeros(count, np.float32)
    np.maximum.at(second, group, rest)
    return np.where(ties, 0, best - second)


def assign(pairs: Pairs, cost: Floats | NDArray[np.float64], limit: float) -> Index:
    """
    Choose pairs so that no row or column is used twice and the total cost is least.

    Leaving a row and a column unmatched costs ``limit``, which is what ``cost_limit`` of lap
    means, found here without its (N + M)^2 matrix: pairs at the limit are dropped from the
    optimum of ``min(cost, limit)``. Pairs that nobody contests are taken first; rows and columns
    without a candidate never enter the matrix. Neither changes the optimum.

    :param pairs: candidates [P]; every other pair is forbidden.
    :param cost: finite cost of each candidate [P].
    :param limit: candidates from this cost on are forbidden.
    :return: indices of the chosen pairs, in the order of ``pairs``.
    """
    index = np.flatnonzero(cost < limit)
    rows, cols = pairs.rows[index], pairs.cols[index]
    if not len(index):
        return index
    contested = (np.bincount(rows)[rows] > 1) | (np.bincount(cols)[cols] > 1)
    chosen = index[~contested]
    index, rows, cols = index[contested], rows[contested], cols[contested]
    if len(index):
        row_of, matrix_rows = np.unique(rows, return_inverse=True)
        col_of, matrix_cols = np.unique(cols, return_inverse=True)
        matrix = np.full((len(row_of), len(col_of)), float(limit))
        pair_at = np.full(matrix.shape, -1, np.intp)
        matrix[matrix_rows, matrix_cols] = cost[index]
        pair_at[matrix_rows, matrix_cols] = index
        _, col_of_row, _ = lap.lapjv(matrix, extend_cost=True)
        solved = np.flatnonzero(col_of_row >= 0)
        solved = pair_at[solved, col_of_row[solved]]
        chosen = np.sort(np.concatenate([chosen, solved[solved >= 0]]))
    return chosen
