# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Re-identification metrics, and a baseline to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Similarity = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

_RANKS = 20


@dataclass(frozen=True)
class ReidScores:
    """
    Result of a retrieval: each figure 0..1.

    :ivar cmc: cumulative match characteristic: entry k - 1 is the share of queries that have a
        right one among their best k matches, for k up to 20.
    :ivar mean_average_precision: mean over queries of the average precision.
    :ivar queries: number of queries that have a match in the gallery at all.
    """

    cmc: tuple[float, ...]
    mean_average_precision: float
    queries: int

    @property
    def rank1(self) -> float:
        """Return the share of queries whose best match has the right identity."""
        return self.cmc[0]

    @property
    def rank5(self) -> float:
        """Return the share of queries with a right match among the best five."""
        return self.cmc[4]

    @property
    def rank10(self) -> float:
        """Return the share of queries with a right match among the best ten."""
        return self.cmc[9]


def score_pairs(similarity: Similarity, same: Mask, allowed: Mask) -> ReidScores:
    """
    Score retrieval: each query ranks its part of the gallery by similarity.

    Average precision is the mean of the precision at each right match, as Market-1501 has it
    (Zheng et al., ICCV 2015). Queries without any right match in their gallery are not counted.

    :param similarity: floating [Q, G], higher is more alike.
    :param same: bool [Q, G], whether the two show one person.
    :param allowed: bool [Q, G], whether an image is in that query's gallery.
    :raises ValueError: where no query has a match in its gallery.
    """
    order = np.argsort(-np.where(allowed, similarity, -np.inf), axis=1, kind='stable')
    hits = np.take_along_axis(same & allowed, order, axis=1)
    hits = hits[hits.any(axis=1)]
    if not len(hits):
        raise ValueError('no query has its identity in its gallery')
    first = hits.argmax(axis=1) + 1
    cmc = tuple(float((first <= k).mean()) for k in range(1, _RANKS + 1))
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    precision = (precision * hits).sum(axis=1) / hits.sum(axis=1)
    return ReidScores(cmc, float(precision.mean()), len(hits))


@dataclass(frozen=True)
class Retrieval:
    """
    How well the images of one set find each other.

    :ivar scores: of the retrieval.
    :ivar same: floating [P], similarity of each pair of one person that was compared.
    :ivar other: floating [P], of each pair of two people.
    """

    scores: ReidScores
    same: NDArray[np.floating[Any]]
    other: NDArray[np.floating[Any]]


def retrieve(similarity: Similarity, same: Mask, allowed: Mask) -> Retrieval:
    """
    Search for each image of a set among the others; parameters as :func:`score_pairs`, square.

    :raises ValueError: where no image has a match in its gallery.
    """
    once = np.triu(allowed, 1)
    return Retrieval(score_pairs(similarity, same, allowed), similarity[once & same],
                     similarity[once & ~same])


def unit_rows(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return rows [N, D] scaled to unit length, float32; a row of zeros stays."""
    rows = np.asarray(embeddings, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def colour_histogram(crops: Sequence[NDArray[np.uint8]], stripes: int = 6) -> NDArray[np.float32]:
    """
    Embed crops by their colours alone: the baseline that a learned embedding must beat.

    Hue-saturation histograms (8 x 4 bins) of horizontal stripes, square-rooted so that the dot
    product is the Bhattacharyya coefficient of the stripes, averaged.

    :param crops: BGR images, uint8 [H, W, 3] of any size from ``stripes`` rows on.
    :return: float32 [N, stripes * 32], unit rows.
    """
    rows = [np.concatenate([_stripe_histogram(stripe) for stripe in np.array_split(
        cv2.cvtColor(crop, cv2.COLOR_BGR2HSV), stripes)]) for crop in crops]
    return unit_rows(np.sqrt(np.array(rows, np.float32).reshape(len(crops), stripes * 32)))


def _stripe_histogram(hsv: NDArray[np.uint8]) -> NDArray[np.float32]:
    histogram = cv2.calcHist([np.ascontiguousarray(hsv)], [0, 1], None, [8, 4], [0, 180, 0, 256])
    return histogram.ravel() / (hsv.shape[0] * hsv.shape[1])
