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


@dataclass(frozen=True)
class ReidScores:
    """
    Result of a retrieval: each figure 0..1.

    :ivar rank1: share of queries whose best match has the right identity.
    :ivar rank5: share with a right one among the best five; ``rank10`` alike.
    :ivar mean_average_precision: mean over queries of the average precision.
    :ivar queries: number of queries that have a match in the gallery at all.
    """

    rank1: float
    rank5: float
    rank10: float
    mean_average_precision: float
    queries: int


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
    queries, gallery = _unit_rows(query_embeddings), _unit_rows(gallery_embeddings)
    first_hits, precisions = [], []
    for start in range(0, len(queries), _CHUNK):
        part = slice(start, start + _CHUNK)
        order = np.argsort(-(queries[part] @ gallery.T), axis=1, kind='stable')
        same_id = gallery_ids[order] == query_ids[part, None]
        is_left = ~(same_id & (gallery_cameras[order] == query_cameras[part, None]))
        hits = same_id & is_left
        has_match = hits.any(axis=1)
        hits, is_left = hits[has_match], is_left[has_match]
        ranks = np.cumsum(is_left, axis=1)
        precision = np.cumsum(hits, axis=1) / np.maximum(ranks, 1)
        precisions.append((precision * hits).sum(axis=1) / hits.sum(axis=1))
        first_hits.append(np.take_along_axis(ranks, hits.argmax(axis=1)[:, None], axis=1)[:, 0])
    ranks_of_first = np.concatenate(first_hits) if first_hits else np.zeros(0)
    if not len(ranks_of_first):
        raise ValueError('no query has its identity in the gallery under another camera')
    rank1, rank5, rank10 = (float((ranks_of_first <= k).mean()) for k in (1, 5, 10))
    return ReidScores(rank1, rank5, rank10, float(np.concatenate(precisions).mean()),
                      len(ranks_of_first))


def _unit_rows(embeddings: Embeddings) -> NDArray[np.float32]:
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
    return _unit_rows(np.sqrt(np.array(rows, np.float32).reshape(len(crops), stripes * 32)))


def _stripe_histogram(hsv: NDArray[np.uint8]) -> NDArray[np.float32]:
    histogram = cv2.calcHist([np.ascontiguousarray(hsv)], [0, 1], None, [8, 4], [0, 180, 0, 256])
    return histogram.ravel() / (hsv.shape[0] * hsv.shape[1])
