# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Time as the tracker counts it: the frames' stamps without their disorder."""

from __future__ import annotations

from collections import deque
import math
import statistics

DISORDER_PERIODS = 5
"""A step back of up to so many frame periods is disorder, a longer one a new recording."""

_RECENT = 15


class Clock:
    """
    Seconds since the first frame, which never fall.

    Images that change places on their way and clocks that are set right step back by little: such
    a frame counts as of the latest time so far. A recording that starts again jumps back by much,
    or, where it is short, to its very first stamp.

    :ivar time: seconds that have passed up to the last frame.
    :ivar disordered: frames so far that stepped back by little.
    :ivar jumps: frames so far that jumped back.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self.disordered = self.jumps = 0
        self._steps: deque[float] = deque(maxlen=_RECENT)
        self._last: float | None = None
        self._latest = self._first = 0.0

    def forget(self) -> None:
        """Take the next frame as the first of a new recording; the time stands still."""
        self._last = None
        self._steps.clear()

    def period(self, frame_rate: float) -> float:
        """Return the seconds between frames: the median of late; 1 / frame_rate before any."""
        return statistics.median(self._steps) if self._steps else 1 / frame_rate

    def advance(self, stamp: float | None, frame_rate: float) -> tuple[float, bool]:
        """
        Move on to the next frame.

        :param stamp: its time in seconds; None is one period of ``frame_rate`` after the last.
        :return: seconds since the frame before, and whether the stamp jumped back: the time then
            moves on by a period of ``frame_rate``.
        :raises ValueError: on a stamp that is not finite.
        """
        if stamp is not None and not math.isfinite(stamp):
            raise ValueError(f'stamp is {stamp}: give seconds, or None')
        dt, jumped = self._step(stamp, 1 / frame_rate)
        self.time += dt
        return dt, jumped

    def _step(self, stamp: float | None, default: float) -> tuple[float, bool]:
        if self._last is None:
            self._last = self._latest = self._first = 0.0 if stamp is None else stamp
            return 0.0, False
        if stamp is None:
            stamp = self._latest + default
        step, self._last = stamp - self._last, stamp
        if step > 0:
            self._steps.append(step)
        limit = DISORDER_PERIODS * self.period(1 / default)
        # The slack is for stamps that round.
        jumped = -step > limit * (1 + 1e-9)
        # Not by a period or less: so little is disorder there, too.
        jumped |= stamp == self._first and -step > 0.3 * limit
        ahead, dt = self._latest - stamp, max(stamp - self._latest, 0.0)
        if jumped or ahead > limit * (1 + 1e-9):
            # Many little steps back, too, leave the latest stamp too far ahead to wait for.
            dt = default
        if dt or not ahead > 0:
            self._latest = stamp
        if jumped:
            self._first = stamp
            self._steps.clear()
        self.jumps += jumped
        self.disordered += step < 0 and not jumped
        return dt, jumped
