# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What makes a track and a detection belong together: terms that are applied in order.

A new cost is a class with ``apply``, put in its place in :data:`TERMS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from finetrack_ros.detections import Detections
from finetrack_ros.tracking.appearance import Appearance
from finetrack_ros.tracking.association import Candidates, Floats, Mask
from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.store import TrackStore
from finetrack_ros.tracking.tracks import TrackState


@dataclass(frozen=True)
class Context:
    """
    What terms may look at; they change none of it.

    :ivar store: the tracks, predicted to the frame's time; rows of pairs point into it.
    :ivar detections: the usable detections of the frame, [N]; columns of pairs point into them.
    :ivar low: which of them have a score below ``high_score``, [N].
    :ivar clear: which of them have an embedding that tells something, [N].
    :ivar appearance: how the tracks look, None while no detection has brought an embedding.
    :ivar config: the tracker's parameters.
    """

    store: TrackStore
    detections: Detections
    low: Mask
    clear: Mask
    appearance: Appearance | None
    config: TrackerConfig


class Term(Protocol):
    """One thing that speaks for or against pairs."""

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """
        Change the similarity of pairs, or drop those that cannot belong together.

        :param pairs: what the terms before have left, [P].
        :param scores: their similarity so far, float32 [P], zeros for the first term; may be
            changed in place.
        :return: the pairs that remain and their similarity, higher for the likelier.
        """


class Overlap:
    """
    IoU times height overlap times the detection's score.

    Height-modulated IoU (Hybrid-SORT, AAAI 2024): heights tell people at different distances
    apart where their boxes overlap.
    """

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """Add the product."""
        scores += pairs.iou * pairs.height * context.detections.scores[pairs.cols]
        return pairs, scores


class WeakDetections:
    """
    A penalty on weak detections, which only continue tracks seen in the frame before.

    The two stages of ByteTrack (arXiv 2110.06864) in one assignment, like TrackTrack (CVPR 2025).
    """

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """Subtract the penalty, and drop weak detections of other tracks."""
        if not context.low.any():
            return pairs, scores
        low = context.low[pairs.cols]
        scores -= np.float32(context.config.low_penalty) * low
        fit = ~low | (context.store.states[pairs.rows] == TrackState.CONFIRMED)
        return pairs[fit], scores[fit]


class LeastSimilarity:
    """A least value of the terms before."""

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """Drop what does not exceed it."""
        fit = scores > context.config.match_similarity
        return pairs[fit], scores[fit]


class SameClass:
    """Only equal classes match, where the class policy says so."""

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """Drop pairs of unequal classes."""
        if context.config.class_policy != 'forbid':
            return pairs, scores
        fit = context.store.classes[pairs.rows] == context.detections.classes[pairs.cols]
        return pairs[fit], scores[fit]


class Likeness:
    """What the looks of track and detection add (:class:`Appearance`)."""

    def apply(self, pairs: Candidates, scores: Floats, context: Context
              ) -> tuple[Candidates, Floats]:
        """Drop pairs that look different and favour those that look alike."""
        embeddings = context.detections.embeddings
        if context.appearance is None or embeddings is None:
            return pairs, scores
        return context.appearance.favour(
            pairs, scores, embeddings, context.clear, context.config)


TERMS: tuple[Term, ...] = (
    Overlap(), WeakDetections(), LeastSimilarity(), SameClass(), Likeness())
"""The terms of the association, in order."""


def similarity(pairs: Candidates, context: Context, terms: tuple[Term, ...] = TERMS
               ) -> tuple[Candidates, Floats]:
    """Return the pairs that may belong together, and their similarity, float32 [P]."""
    scores = np.zeros(len(pairs), np.float32)
    for term in terms:
        pairs, scores = term.apply(pairs, scores, context)
    return pairs, scores
