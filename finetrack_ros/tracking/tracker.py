# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Online tracker: detections of one frame in, tracks with persistent ids out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import cxcywh_to_xyxy, valid_boxes, xyxy_to_cxcywh
from finetrack_ros.tracking import kalman
from finetrack_ros.tracking.appearance import Appearance, look_over
from finetrack_ros.tracking.association import (
    assign,
    Floats,
    Index,
    Mask,
    overlapping_pairs,
)
from finetrack_ros.tracking.clock import Clock
from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.events import EventKind, tell, TrackEvent
from finetrack_ros.tracking.evidence import Distributions
from finetrack_ros.tracking.similarity import Context, similarity, Term, TERMS
from finetrack_ros.tracking.store import TrackStore
from finetrack_ros.tracking.tracks import Tracks, TrackState

MAX_REMEMBERED = 1000
"""Most unseen tracks that are kept: what bounds memory in endless crowds."""

LOST_PERIODS = 3
"""Frame periods for which any track may be missed, even beyond ``lost_seconds``."""

LOST_SHARE = 0.5
"""Share of its uncertainty by which a lost track is widened: others come near meanwhile."""

TENTATIVE_SECONDS = 0.5
TENTATIVE_PERIODS = 5
"""Time, or frame periods if that is more, for which a track not yet confirmed may be missed."""


@dataclass(frozen=True)
class _Frame:
    """
    The usable detections of one frame.

    :ivar rows: their rows in the caller's detections, [N].
    :ivar detections: the detections, [N].
    :ivar boxes: float64 [N, 4], cxcywh.
    :ivar low: which have a score below ``high_score``, [N].
    :ivar clear: which have an embedding that tells something: are not low, [N].
    """

    rows: Index
    detections: Detections
    boxes: NDArray[np.float64]
    low: Mask
    clear: Mask


class Tracker:
    """
    Joins detections into tracks by motion, overlap and appearance.

    One assignment per frame compares all tracks with all detections: strong detections with any
    track, weak ones, at a penalty, with tracks seen in the frame before (the two stages of
    ByteTrack, arXiv 2110.06864, as one, like TrackTrack, CVPR 2025). What is left starts tracks.

    :ivar config: parameters; may be replaced between updates.
    :ivar rejected: detections dropped so far because their box was inverted, or box, score or
        embedding not finite.
    """

    def __init__(self, config: TrackerConfig | None = None, terms: tuple[Term, ...] = TERMS
                 ) -> None:
        """Start without tracks; None takes the default parameters, ``terms`` say who matches."""
        self._terms = terms
        self.config = TrackerConfig() if config is None else config
        self.rejected = 0
        self._store = TrackStore()
        self._appearance: Appearance | None = None
        self._next_id = 1
        self._clock = Clock()
        self._now = 0.0
        self._at_start = True
        self._events: list[TrackEvent] = []

    @property
    def events(self) -> list[TrackEvent]:
        """Return what happened to tracks in the last update, or in the reset after it."""
        return list(self._events)

    @property
    def evidence(self) -> dict[str, Distributions]:
        """Return what was learned of the scene, by cue; nothing before there are embeddings."""
        return {} if self._appearance is None else self._appearance.evidence

    @property
    def disordered(self) -> int:
        """Return the frames so far whose stamp stepped back by a few frame periods at most."""
        return self._clock.disordered

    @property
    def jumps(self) -> int:
        """Return the frames so far whose stamp jumped back, as in a new recording."""
        return self._clock.jumps

    def reset(self) -> None:
        """Drop all tracks and forget the last stamp; ids go on, so that none repeats."""
        self._events.clear()
        self._start_anew()
        self._clock.forget()

    def _start_anew(self) -> None:
        self._keep(np.zeros(len(self._store), bool))
        if self._appearance is not None:
            self._appearance.forget_scene()
        self._at_start = True

    def update(self, detections: Detections, stamp: float | None = None,
               camera_motion: NDArray[np.float64] | None = None) -> Tracks:
        """
        Advance by one frame; call it for empty frames too.

        :param detections: detections of the frame, any order.
        :param stamp: time of the frame in seconds; None is one frame period after the last.
        :param camera_motion: affine [2, 3] that takes pixels of the frame before to pixels of
            this one (see :class:`finetrack_ros.motion.CameraMotion`); None is a still camera.
        :return: the confirmed tracks seen in this frame.
        :raises ValueError: on a stamp or motion that is not finite, or embeddings of another
            width than those before.
        """
        self._events.clear()
        if detections.embeddings is not None:
            self._expect(detections.embeddings.shape[1])
        self._advance(stamp)
        if camera_motion is not None:
            self._move_with_camera(camera_motion)
        frame = self._usable(detections)
        if self._appearance is not None and frame.detections.embeddings is not None:
            self._appearance.see(frame.detections.embeddings, frame.clear, self.config)
        rows, cols = self._match(frame)
        back = rows[self._store.states[rows] == TrackState.LOST]
        self._tell(EventKind.RETURNED, back)
        self._write(rows, cols, frame)
        born = self._recall(self._newcomers(cols, frame), frame)
        self._end_frame()
        # At the start all objects are old: nothing is gained by a wait for a second detection.
        self._give_birth(born, frame, confirmed=self._at_start)
        self._at_start = False
        return self.tracks()

    def tracks(self, include_lost: bool = False) -> Tracks:
        """
        Return tracks as of the last frame.

        :param include_lost: also the tentative ones and those lost for at most ``lost_seconds``.
        :return: the confirmed tracks seen in the last frame, or all.
        """
        store = self._store
        chosen = store.states == TrackState.CONFIRMED
        if include_lost:
            chosen = self._in_reach()
        rows = np.flatnonzero(chosen)
        seen = store.matched[rows] >= 0
        boxes = np.where(seen[:, None], store.boxes[rows], store.position[rows])
        embeddings = store.embeddings
        return Tracks(
            ids=store.ids[rows], boxes=cxcywh_to_xyxy(boxes).astype(np.float32),
            velocities=store.velocity[rows].astype(np.float32), scores=store.scores[rows],
            classes=store.classes[rows],
            ages=(self._now - store.born[rows]).astype(np.float32), hits=store.hits[rows],
            time_since_seen=(self._now - store.seen[rows]).astype(np.float32),
            states=store.states[rows], detection_indices=store.matched[rows],
            embeddings=None if embeddings is None else embeddings[rows])

    def _expect(self, dim: int) -> None:
        """Make ready for embeddings of ``dim`` values; ValueError where others came before."""
        self._store.ensure_embeddings(dim)
        if self._appearance is None:
            self._appearance = Appearance(self._store, dim)

    def _noise(self) -> kalman.Noise:
        config = self.config
        return kalman.Noise(
            config.measurement_noise, config.position_noise, config.velocity_noise)

    def _advance(self, stamp: float | None) -> None:
        """Move the clock and the tracks to the frame's time; drop tracks unseen for too long."""
        dt, jumped = self._clock.advance(stamp, self.config.frame_rate)
        if jumped and self.config.on_jump_back == 'reset':
            self._start_anew()
        self._now = self._clock.time
        self._forget()
        kalman.predict(self._store.kalman, dt, self._noise())
        self._store.matched[:] = -1

    def _move_with_camera(self, affine: NDArray[np.float64]) -> None:
        """Bring predictions and last boxes into this frame's pixels."""
        if affine.shape != (2, 3) or not np.isfinite(affine).all():
            raise ValueError('camera_motion must be a finite affine of shape [2, 3]')
        store = self._store
        kalman.warp(store.kalman, affine)
        linear, shift = affine[:, :2], affine[:, 2]
        store.boxes[:, :2] = store.boxes[:, :2] @ linear.T + shift
        store.boxes[:, 2:] *= np.sqrt(abs(np.linalg.det(linear)))

    def _in_reach(self) -> Mask:
        """Return which tracks are seen, or lost so recently that motion can still tell."""
        period = self._clock.period(self.config.frame_rate)
        lost = max(self.config.lost_seconds, LOST_PERIODS * period)
        tentative = min(max(TENTATIVE_SECONDS, TENTATIVE_PERIODS * period), lost)
        limit = np.where(self._store.states == TrackState.TENTATIVE, tentative, lost)
        # The slack keeps a track for whole periods whose sum rounds to just above the limit.
        in_reach: Mask = self._now - self._store.seen <= limit + 1e-9
        return in_reach

    def _forget(self) -> None:
        """Drop tracks that can no longer come back, by overlap or by appearance."""
        store = self._store
        kept = self._in_reach()
        if not kept.all():
            remembered = ~kept & store.embedded & (store.states != TrackState.TENTATIVE)
            remembered &= self._now - store.seen <= self.config.memory_seconds
            latest = np.flatnonzero(remembered)
            latest = latest[np.argsort(-store.seen[latest], kind='stable')[:MAX_REMEMBERED]]
            kept[latest] = True
            self._keep(kept)

    def _tell(self, kind: EventKind, rows: Index, probabilities: Floats | None = None) -> None:
        """Note an event of each of the given tracks."""
        if len(rows):
            gaps = self._now - self._store.seen[rows]
            self._events += tell(kind, self._store.ids[rows], gaps, probabilities)

    def _keep(self, mask: Mask) -> None:
        """Drop the tracks where ``mask`` [M] is false, with their gallery."""
        self._tell(EventKind.ENDED, np.flatnonzero(~mask))
        if self._appearance is not None:
            self._appearance.release(self._store.slots[~mask])
        self._store.keep(mask)

    def _usable(self, detections: Detections) -> _Frame:
        """Drop and count detections that make no sense, and drop those below ``low_score``."""
        usable = valid_boxes(detections.boxes) & np.isfinite(detections.scores)
        embedded = np.zeros(len(usable), bool)
        if detections.embeddings is not None:
            finite, embedded = look_over(detections.embeddings)
            usable &= finite
        self.rejected += len(usable) - int(usable.sum())
        usable &= detections.scores >= self.config.low_score
        if not usable.all():
            detections, embedded = detections[usable], embedded[usable]
        low = detections.scores < self.config.high_score
        return _Frame(
            np.flatnonzero(usable), detections, xyxy_to_cxcywh(detections.boxes.astype(float)),
            low, embedded & ~low)

    def _match(self, frame: _Frame) -> tuple[Index, Index]:
        """Return tracks and detections that belong together."""
        store, detections = self._store, frame.detections
        active = np.flatnonzero(self._in_reach())
        # Boxes widened by their uncertainty: C-BIoU (WACV 2023) with a width that is known.
        margin = kalman.drift(store.kalman, self._noise())
        margin[store.states == TrackState.LOST] *= LOST_SHARE
        near = overlapping_pairs(
            cxcywh_to_xyxy(store.position[active]), detections.boxes, margin[active])
        pairs, scores = similarity(replace(near, rows=active[near.rows]), Context(
            store, detections, frame.low, frame.clear, self._appearance, self.config),
            self._terms)
        chosen = pairs[assign(pairs, -scores, -self.config.match_similarity)]
        return chosen.rows, chosen.cols

    def _write(self, rows: Index, cols: Index, frame: _Frame) -> None:
        """Write matched detections into their tracks."""
        store, noise = self._store, self._noise()
        boxes, scores = frame.boxes[cols], frame.detections.scores[cols]
        absent = self._now - store.seen[rows]
        state = kalman.KalmanState(*(column[rows] for column in vars(store.kalman).values()))
        state = kalman.update(state, boxes, noise)
        back = absent > self.config.recover_seconds
        if back.any():
            kalman.recover(state, back, store.boxes[rows], boxes, absent, noise)
        store.set_kalman(rows, state)
        store.boxes[rows] = boxes
        store.seen[rows] = self._now
        store.hits[rows] += 1
        store.scores[rows] = scores
        store.matched[rows] = frame.rows[cols]
        self._vote(rows, frame.detections.classes[cols], scores)
        self._learn(rows, cols, frame)

    def _vote(self, rows: Index, classes: NDArray[np.int32], scores: Floats) -> None:
        """Update the classes by a running majority vote (Boyer and Moore) weighted by score."""
        store = self._store
        if self.config.class_policy == 'ignore':
            store.classes[rows] = classes
            return
        votes = store.votes[rows] + np.where(store.classes[rows] == classes, scores, -scores)
        store.classes[rows] = np.where(votes < 0, classes, store.classes[rows])
        store.votes[rows] = np.abs(votes)

    def _learn(self, rows: Index, cols: Index, frame: _Frame) -> None:
        """Learn how tracks look from those of their detections whose embedding tells it."""
        embeddings, clear = frame.detections.embeddings, frame.clear[cols]
        if self._appearance is not None and embeddings is not None:
            self._appearance.learn(
                rows[clear], embeddings[cols[clear]], self._now, self.config)

    def _end_frame(self) -> None:
        """Move tracks between their states."""
        store = self._store
        seen = store.matched >= 0
        tentative = store.states == TrackState.TENTATIVE
        confirmed = seen & (~tentative | (store.hits >= self.config.confirm_hits))
        self._tell(EventKind.CONFIRMED, np.flatnonzero(confirmed & tentative))
        self._tell(EventKind.LOST, np.flatnonzero(~seen & (store.states == TrackState.CONFIRMED)))
        store.states[confirmed] = TrackState.CONFIRMED
        lost = ~seen & ~tentative
        store.states[lost] = TrackState.LOST
        # The size of an unseen box is not extrapolated: a person does not shrink away.
        store.velocity[~seen, 2:] = 0

    def _give_birth(self, born: Index, frame: _Frame, confirmed: bool) -> None:
        """Start tracks from detections."""
        if not len(born):
            return
        store, detections = self._store, frame.detections
        rows = np.arange(len(store), len(store) + len(born))
        store.append(len(born))
        store.ids[rows] = np.arange(self._next_id, self._next_id + len(born))
        self._next_id += len(born)
        store.set_kalman(rows, kalman.initiate(frame.boxes[born], self._noise()))
        store.boxes[rows] = frame.boxes[born]
        store.born[rows] = self._now
        store.seen[rows] = self._now
        store.hits[rows] = 1
        store.scores[rows] = detections.scores[born]
        store.matched[rows] = frame.rows[born]
        store.classes[rows] = detections.classes[born]
        store.votes[rows] = detections.scores[born]
        store.slots[rows] = -1
        immediate = confirmed or self.config.confirm_hits == 1
        store.states[rows] = TrackState.CONFIRMED if immediate else TrackState.TENTATIVE
        self._tell(EventKind.BORN, rows)
        if immediate:
            self._tell(EventKind.CONFIRMED, rows)
        self._learn(rows, born, frame)

    def _newcomers(self, matched: Index, frame: _Frame) -> Index:
        """
        Return the strong detections that nobody has and that may start tracks.

        They overlap no seen track and no better one of them.
        """
        store, limit = self._store, self.config.birth_overlap
        boxes, scores = frame.detections.boxes, frame.detections.scores
        free = scores >= max(self.config.birth_score, self.config.high_score)
        free[matched] = False
        born = np.flatnonzero(free)
        if not len(born):
            return born
        seen = cxcywh_to_xyxy(store.boxes[store.matched >= 0])
        pairs = overlapping_pairs(boxes[born], seen)
        born = np.delete(born, pairs.rows[pairs.iou > limit])
        born = born[np.argsort(-scores[born], kind='stable')]
        pairs = overlapping_pairs(boxes[born], boxes[born])
        repeated = pairs.rows[(pairs.iou > limit) & (pairs.cols < pairs.rows)]
        return np.sort(np.delete(born, repeated))

    def _recall(self, born: Index, frame: _Frame) -> Index:
        """Give newcomers to lost tracks that look like them alone; return the others."""
        store, embeddings = self._store, frame.detections.embeddings
        if self._appearance is None or embeddings is None or self.config.memory_seconds == 0:
            return born
        seen = store.matched >= 0
        lost = np.flatnonzero(~seen & (store.states != TrackState.TENTATIVE))
        known = born[frame.clear[born]]
        if not len(lost) or not len(known):
            return born
        found, rows, chances = self._appearance.recall(
            embeddings[known], frame.detections.classes[known], lost, np.flatnonzero(seen),
            self.config)
        cols = known[found]
        self._tell(EventKind.RECALLED, rows, chances)
        # Where they were says nothing about how they move now: start the filter afresh.
        store.set_kalman(rows, kalman.initiate(frame.boxes[cols], self._noise()))
        store.seen[rows] = self._now
        self._write(rows, cols, frame)
        return born[~np.isin(born, cols)]
