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

Embeddings = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

_CHUNK = 256
_RANKS = 20
_Ranked = tuple[NDArray[np.integer[Any]], NDArray[np.floating[Any]]]


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


def rank_k_and_map(query_embeddings: Embeddings, query_ids: Labels, query_cameras: Labels,
                   gallery_embeddings: Embeddings, gallery_ids: Labels,
                   gallery_cameras: Labels) -> ReidScores:
    """
    Score retrieval by the Market-1501 protocol (Zheng et al., ICCV 2015).

    The gallery is ranked by cosine similarity. Gallery images with the query's identity AND its
    camera are removed first; queries left without any right match are not counted. Average
    precision is the mean of the precision at each right match.

    :param query_embeddings: floating [Q, D]; rows need not have unit length.
    :param query_ids: integer [Q]; query_cameras alike.
    :param gallery_embeddings: floating [G, D]; gallery_ids and gallery_cameras integer [G].
    :raises ValueError: where no query has a match from another camera.
    """
    queries, gallery = unit_rows(query_embeddings), unit_rows(gallery_embeddings)
    ranked = []
    # In parts: the whole of Market-1501 is 66 million pairs.
    for start in range(0, len(queries), _CHUNK):
        part = slice(start, start + _CHUNK)
        same = gallery_ids == query_ids[part, None]
        allowed = ~(same & (gallery_cameras == query_cameras[part, None]))
        ranked.append(_rank(queries[part] @ gallery.T, same, allowed))
    if not sum(len(first) for first, _ in ranked):
        raise ValueError('no query has its identity in the gallery under another camera')
    return _sum_up(ranked)


def score_pairs(similarity: NDArray[np.floating[Any]], same: NDArray[np.bool_],
                allowed: NDArray[np.bool_]) -> ReidScores:
    """
    Score retrieval by any similarity, within any part of the gallery.

    :param similarity: floating [Q, G], higher is more alike.
    :param same: bool [Q, G], whether the two show one person.
    :param allowed: bool [Q, G], whether an image is in that query's gallery.
    :raises ValueError: where no query has a match in its gallery.
    """
    ranked = _rank(similarity, same, allowed)
    if not len(ranked[0]):
        raise ValueError('no query has its identity in its gallery')
    return _sum_up([ranked])


def _rank(similarity: NDArray[np.floating[Any]], same: NDArray[np.bool_],
          allowed: NDArray[np.bool_]) -> _Ranked:
    """Return the rank of the first match, from 1, and the average precision of each query."""
    order = np.argsort(-np.where(allowed, similarity, -np.inf), axis=1, kind='stable')
    hits = np.take_along_axis(same & allowed, order, axis=1)
    hits = hits[hits.any(axis=1)]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return hits.argmax(axis=1) + 1, (precision * hits).sum(axis=1) / hits.sum(axis=1)


def _sum_up(ranked: Sequence[_Ranked]) -> ReidScores:
    first = np.concatenate([first for first, _ in ranked])
    precision = np.concatenate([precision for _, precision in ranked])
    cmc = tuple(float((first <= k).mean()) for k in range(1, _RANKS + 1))
    return ReidScores(cmc, float(precision.mean()), len(first))


def unit_rows(embeddings: Embeddings) -> NDArray[np.float32]:
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
