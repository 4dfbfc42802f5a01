# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Online tracker: detections of one frame in, tracks with persistent ids out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import cxcywh_to_xyxy, valid_boxes, xyxy_to_cxcywh
from finetrack_ros.tracking import kalman
from finetrack_ros.tracking.association import assign, cosine, Index, overlapping_pairs
from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.store import TrackStore
from finetrack_ros.tracking.tracks import Tracks, TrackState

Rows = Index


class Tracker:
    """
    Joins detections into tracks by motion, overlap and appearance.

    Association follows ByteTrack (arXiv 2110.06864): confident detections first, then weak ones
    for the tracks left over. Confident detections are compared by overlap with the predicted box
    and, where both sides have embeddings, by appearance.

    :ivar config: parameters; may be replaced between updates.
    :ivar rejected: detections dropped so far because their box was inverted, or box, score or
        embedding not finite.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        """Start without tracks; None takes the default parameters."""
        self.config = TrackerConfig() if config is None else config
        self.rejected = 0
        self._store = TrackStore()
        self._next_id = 1
        self._noise = kalman.Noise()
        self._clock = 0.0
        self._stamp: float | None = None

    def reset(self) -> None:
        """Drop all tracks and forget the last stamp; ids go on, so that none repeats."""
        self._store.clear()
        self._clock = 0.0
        self._stamp = None

    def update(self, detections: Detections, stamp: float | None = None) -> Tracks:
        """
        Advance by one frame; call it for empty frames too.

        :param detections: detections of the frame, any order.
        :param stamp: time of the frame in seconds; None is one frame period after the last.
        :return: the confirmed tracks seen in this frame.
        :raises ValueError: on a stamp that is not finite, or embeddings of another width than
            those before.
        """
        if detections.embeddings is not None:
            self._store.ensure_embeddings(detections.embeddings.shape[1])
        self._advance(stamp)
        first_frame = not len(self._store)
        usable = self._check(detections)
        boxes = xyxy_to_cxcywh(np.where(usable[:, None], detections.boxes, 0).astype(np.float64))
        high = np.flatnonzero(usable & (detections.scores >= self.config.high_score))
        low = np.flatnonzero(
            usable & (detections.scores < self.config.high_score)
            & (detections.scores >= self.config.low_score))

        rows, cols = self._match_high(detections, high)
        self._apply(rows, cols, detections, boxes)
        left = self._store.matched < 0
        seen_before = left & (self._store.states == TrackState.CONFIRMED)
        rows, cols = self._match_low(detections, np.flatnonzero(seen_before), low)
        self._apply(rows, cols, detections, boxes)
        self._end_frame()
        self._give_birth(detections, boxes, high, confirmed=first_frame)
        return self.tracks()

    def tracks(self, include_lost: bool = False) -> Tracks:
        """Return the confirmed tracks seen in the last frame, or all tracks."""
        store = self._store
        seen = store.matched >= 0
        boxes = np.where(seen[:, None], store.boxes, store.position)
        embeddings = store.embeddings
        tracks = Tracks(
            ids=store.ids.copy(), boxes=cxcywh_to_xyxy(boxes).astype(np.float32),
            velocities=store.velocity.astype(np.float32), scores=store.scores.copy(),
            classes=store.classes.copy(),
            ages=(self._clock - store.born).astype(np.float32), hits=store.hits.copy(),
            time_since_seen=(self._clock - store.seen).astype(np.float32),
            states=store.states.copy(), detection_indices=store.matched.copy(),
            embeddings=None if embeddings is None else embeddings.copy())
        return tracks if include_lost else tracks[store.states == TrackState.CONFIRMED]

    def _advance(self, stamp: float | None) -> None:
        """Move the clock and the tracks to the frame's time; drop tracks lost for too long."""
        period = 1 / self.config.frame_rate
        if stamp is not None and not math.isfinite(stamp):
            raise ValueError(f'stamp is {stamp}: give seconds, or None')
        if self._stamp is None:
            dt, self._stamp = 0.0, 0.0 if stamp is None else stamp
        elif stamp is None:
            dt, self._stamp = period, self._stamp + period
        else:
            dt, self._stamp = stamp - self._stamp, stamp
        if dt < 0:
            dt = period
            if self.config.on_jump_back == 'reset':
                self._store.clear()
        self._clock += dt
        store = self._store
        store.keep(self._clock - store.seen <= self.config.lost_seconds + 1e-9)
        kalman.predict(store.kalman, dt, self._noise)
        store.matched[:] = -1

    def _check(self, detections: Detections) -> NDArray[np.bool_]:
        """Return which detections [N] can be used, and count the others."""
        usable = valid_boxes(detections.boxes) & np.isfinite(detections.scores)
        if detections.embeddings is not None:
            usable &= np.isfinite(detections.embeddings.sum(axis=1))
        self.rejected += len(usable) - int(usable.sum())
        return usable

    def _match_high(self, detections: Detections, high: Rows) -> tuple[Rows, Rows]:
        """Match all tracks with confident detections by overlap and appearance."""
        config, store = self.config, self._store
        pairs, iou = overlapping_pairs(cxcywh_to_xyxy(store.position), detections.boxes[high])
        cost = 1 - iou * detections.scores[high][pairs.cols]
        allowed = cost < 1 - config.match_iou
        if config.class_policy == 'forbid':
            allowed &= store.classes[pairs.rows] == detections.classes[high][pairs.cols]
        if detections.embeddings is not None and store.embeddings is not None:
            likeness = cosine(store.embeddings, detections.embeddings[high], pairs)
            known = store.embedded[pairs.rows]
            allowed &= ~known | (likeness >= config.appearance_gate)
            weight = config.appearance_weight * known
            cost = (1 - weight) * cost + weight * (1 - likeness) / 2
        chosen = assign(pairs[allowed], cost[allowed], 1.0)
        pairs = pairs[allowed][chosen]
        return pairs.rows, high[pairs.cols]

    def _match_low(self, detections: Detections, left: Rows, low: Rows) -> tuple[Rows, Rows]:
        """Continue confirmed tracks that are left over with weak detections, by overlap."""
        store = self._store
        pairs, iou = overlapping_pairs(
            cxcywh_to_xyxy(store.position[left]), detections.boxes[low])
        cost = 1 - iou
        if self.config.class_policy == 'forbid':
            cost[store.classes[left][pairs.rows] != detections.classes[low][pairs.cols]] = 1
        pairs = pairs[assign(pairs, cost, 1 - self.config.low_match_iou)]
        return left[pairs.rows], low[pairs.cols]

    def _apply(self, rows: Rows, cols: Rows, detections: Detections,
               boxes: NDArray[np.float64]) -> None:
        """Write matched detections into their tracks."""
        store = self._store
        state = kalman.KalmanState(*(column[rows] for column in vars(store.kalman).values()))
        store.set_kalman(rows, kalman.update(state, boxes[cols], self._noise))
        store.boxes[rows] = boxes[cols]
        store.seen[rows] = self._clock
        store.hits[rows] += 1
        store.scores[rows] = detections.scores[cols]
        store.matched[rows] = cols
        self._vote(rows, detections.classes[cols], detections.scores[cols])
        if detections.embeddings is not None:
            confident = detections.scores[cols] >= self.config.high_score
            self._smooth(rows[confident], detections.embeddings[cols[confident]])

    def _vote(self, rows: Rows, classes: NDArray[np.int32], scores: NDArray[np.float32]) -> None:
        """Update the classes by a running majority vote (Boyer and Moore) weighted by score."""
        store = self._store
        if self.config.class_policy == 'ignore':
            store.classes[rows] = classes
            return
        agrees = store.classes[rows] == classes
        votes = store.votes[rows] + np.where(agrees, scores, -scores)
        beaten = votes < 0
        store.classes[rows] = np.where(beaten, classes, store.classes[rows])
        store.votes[rows] = np.abs(votes)

    def _smooth(self, rows: Rows, embeddings: NDArray[np.float32]) -> None:
        """Move the tracks' embeddings towards the detections' (exponential average)."""
        store = self._store
        known = store.ensure_embeddings(embeddings.shape[1])
        momentum = np.float32(self.config.embedding_momentum) * store.embedded[rows, None]
        mixed = momentum * known[rows] + (1 - momentum) * embeddings
        norm = np.sqrt(np.einsum('nd,nd->n', mixed, mixed))[:, None]
        known[rows] = mixed / np.maximum(norm, np.finfo(np.float32).tiny)
        store.embedded[rows] = True

    def _end_frame(self) -> None:
        """Move tracks between their states and drop tentative ones that were missed."""
        store = self._store
        seen = store.matched >= 0
        tentative = store.states == TrackState.TENTATIVE
        confirmed = seen & (~tentative | (store.hits >= self.config.confirm_hits))
        store.states[confirmed] = TrackState.CONFIRMED
        lost = ~seen & ~tentative
        store.states[lost] = TrackState.LOST
        # The size of an unseen box is not extrapolated: a person does not shrink away.
        store.velocity[lost, 2:] = 0
        store.keep(seen | ~tentative)

    def _give_birth(self, detections: Detections, boxes: NDArray[np.float64], high: Rows,
                    confirmed: bool) -> None:
        """Start tracks from confident free detections that overlap no seen track or birth."""
        config, store = self.config, self._store
        free = np.ones(len(detections), bool)
        free[store.matched[store.matched >= 0]] = False
        born = high[free[high] & (detections.scores[high] >= config.birth_score)]
        seen = np.flatnonzero(store.matched >= 0)
        pairs, iou = overlapping_pairs(
            detections.boxes[born], cxcywh_to_xyxy(store.boxes[seen]))
        hidden = np.zeros(len(born), bool)
        hidden[pairs.rows[iou > config.birth_overlap]] = True
        born = born[~hidden]
        # Of births that overlap each other the best stays: best first, then none before it.
        born = born[np.argsort(-detections.scores[born], kind='stable')]
        pairs, iou = overlapping_pairs(detections.boxes[born], detections.boxes[born])
        repeated = pairs.rows[(iou > config.birth_overlap) & (pairs.cols < pairs.rows)]
        born = np.sort(np.delete(born, repeated))
        if not len(born):
            return
        rows = np.arange(len(store), len(store) + len(born))
        store.append(len(born))
        store.ids[rows] = np.arange(self._next_id, self._next_id + len(born))
        self._next_id += len(born)
        store.set_kalman(rows, kalman.initiate(boxes[born], self._noise))
        store.boxes[rows] = boxes[born]
        store.born[rows] = self._clock
        store.seen[rows] = self._clock
        store.hits[rows] = 1
        store.scores[rows] = detections.scores[born]
        store.matched[rows] = born
        store.classes[rows] = detections.classes[born]
        store.votes[rows] = detections.scores[born]
        immediate = confirmed or config.confirm_hits == 1
        store.states[rows] = TrackState.CONFIRMED if immediate else TrackState.TENTATIVE
        if detections.embeddings is not None:
            self._smooth(rows, detections.embeddings[born])
