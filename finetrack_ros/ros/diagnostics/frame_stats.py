# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Counters and durations of one camera, written by two threads and read by the diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass, field
import threading
import time

import numpy as np


@dataclass(frozen=True)
class Durations:
    """Seconds that one frame took; see ``msg/Latency.msg`` for where each begins and ends."""

    age: float
    decoding: float
    inference: float
    tracking: float
    publishing: float
    total: float
    batch: int = 1
    """Frames that were inferred together."""


@dataclass(frozen=True)
class Counts:
    """
    What became of a camera's frames.

    :ivar received: images, or messages of detections where those are tracked without images.
    :ivar processed: frames whose tracks were published.
    :ivar dropped: frames that were replaced by newer ones before anybody worked on them.
    :ivar bad: images that could not be decoded.
    :ivar failed: frames that broke the processing.
    :ivar jumps: stamps earlier than the one before.
    :ivar views: frames of another frame_id or size than the one before.
    :ivar paired: images that found the detections of the same stamp.
    :ivar unpaired_images: images given up without detections of the same stamp.
    :ivar unpaired_detections: messages of detections given up without an image.
    :ivar bad_detections: single detections that cannot be tracked.
    """

    received: int = 0
    processed: int = 0
    dropped: int = 0
    bad: int = 0
    failed: int = 0
    jumps: int = 0
    views: int = 0
    paired: int = 0
    unpaired_images: int = 0
    unpaired_detections: int = 0
    bad_detections: int = 0

    def plus(self, **more: int) -> Counts:
        """Return the counts with some raised."""
        return dataclasses.replace(
            self, **{name: getattr(self, name) + count for name, count in more.items()})

    def since(self, before: Counts) -> Counts:
        """Return what was counted after ``before``."""
        return Counts(**{name: count - getattr(before, name)
                         for name, count in vars(self).items()})


@dataclass(frozen=True)
class Snapshot:
    """
    What happened to a camera's frames.

    :ivar totals: counts since the node was configured.
    :ivar recent: counts since the last snapshot.
    :ivar seconds: time since the last snapshot.
    :ivar tracks: tracks in the last frame.
    :ivar last_error: the newest fault of a frame, '' without any.
    :ivar durations: those of each frame since the last snapshot.
    """

    totals: Counts
    recent: Counts
    seconds: float
    tracks: int
    last_error: str
    durations: Sequence[Durations]

    def quantile(self, name: str, share: float) -> float:
        """Return a quantile of one of the durations in seconds, NaN without frames."""
        values = [getattr(durations, name) for durations in self.durations]
        return float(np.quantile(values, share)) if values else float('nan')


@dataclass
class FrameStats:
    """Counters of one camera; all methods may be called from any thread."""

    _totals: Counts = field(default_factory=Counts)
    _before: Counts = field(default_factory=Counts)
    _durations: list[Durations] = field(default_factory=list)
    _tracks: int = 0
    _last_error: str = ''
    _last_snapshot: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, error: str = '', **more: int) -> None:
        """Raise counters of :class:`Counts`, and keep the fault that is the reason, if any."""
        with self._lock:
            self._totals = self._totals.plus(**more)
            self._last_error = error or self._last_error

    def frame_processed(self, durations: Durations, tracks: int) -> None:
        """Count a frame whose tracks were published."""
        with self._lock:
            self._totals = self._totals.plus(processed=1)
            self._durations.append(durations)
            self._tracks = tracks

    def snapshot(self) -> Snapshot:
        """Return the totals, and what happened since the last call."""
        with self._lock:
            now = time.monotonic()
            result = Snapshot(
                self._totals, self._totals.since(self._before), now - self._last_snapshot,
                self._tracks, self._last_error, self._durations)
            self._before = self._totals
            self._durations, self._last_snapshot = [], now
        return result
