# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Counters and durations of one camera, written by two threads and read by the diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Snapshot:
    """
    What happened to a camera's images.

    Totals count from the start of the node; the other numbers belong to the time since the last
    snapshot.
    """

    received_total: int
    processed_total: int
    dropped_total: int
    bad_total: int
    jumps_total: int
    received: int
    processed: int
    dropped: int
    bad: int
    failed: int
    seconds: float
    silence: float
    """Seconds since the last image came, or since the camera was started."""
    tracks: int
    """Tracks in the last frame."""
    last_error: str
    durations: Sequence[Durations]

    def quantile(self, name: str, share: float) -> float:
        """Return a quantile of one of the durations in seconds, NaN without frames."""
        values = [getattr(durations, name) for durations in self.durations]
        return float(np.quantile(values, share)) if values else float('nan')


@dataclass
class _Counts:
    received: int = 0
    processed: int = 0
    dropped: int = 0
    bad: int = 0
    failed: int = 0
    jumps: int = 0


@dataclass
class FrameStats:
    """Counters of one camera; all methods may be called from any thread."""

    _totals: _Counts = field(default_factory=_Counts)
    _before: _Counts = field(default_factory=_Counts)
    _durations: list[Durations] = field(default_factory=list)
    _tracks: int = 0
    _last_error: str = ''
    _last_image: float = field(default_factory=time.monotonic)
    _last_snapshot: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Note that images are expected from now on."""
        with self._lock:
            self._last_image = time.monotonic()

    def image_received(self, replaced: bool) -> None:
        """Count an image, and the waiting one that it replaced."""
        with self._lock:
            self._totals.received += 1
            self._totals.dropped += replaced
            self._last_image = time.monotonic()

    def image_bad(self, message: str) -> None:
        """Count an image that cannot be decoded."""
        with self._lock:
            self._totals.bad += 1
            self._last_error = message

    def frame_failed(self, message: str) -> None:
        """Count a frame that broke the processing."""
        with self._lock:
            self._totals.failed += 1
            self._last_error = message

    def time_jumped(self) -> None:
        """Count a stamp earlier than the one before."""
        with self._lock:
            self._totals.jumps += 1

    def frame_processed(self, durations: Durations, tracks: int) -> None:
        """Count a frame whose tracks were published."""
        with self._lock:
            self._totals.processed += 1
            self._durations.append(durations)
            self._tracks = tracks

    def snapshot(self) -> Snapshot:
        """Return the totals, and what happened since the last call."""
        with self._lock:
            now = time.monotonic()
            total, before = self._totals, self._before
            result = Snapshot(
                total.received, total.processed, total.dropped, total.bad, total.jumps,
                total.received - before.received, total.processed - before.processed,
                total.dropped - before.dropped, total.bad - before.bad,
                total.failed - before.failed, now - self._last_snapshot,
                now - self._last_image, self._tracks, self._last_error, self._durations)
            self._before = _Counts(**vars(total))
            self._durations, self._last_snapshot = [], now
        return result
