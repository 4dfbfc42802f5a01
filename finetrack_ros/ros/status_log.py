# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tell in the log what the diagnostics warn of, for those who look at the terminal only."""

from __future__ import annotations

from collections.abc import Callable
import re
import time

#: Seconds until a fault that lasts is told again.
PERIOD = 30.0
_NUMBER = re.compile(r'\d+(\.\d+)?')


class StatusLog:
    """Says each fault when it begins, and again from time to time while it lasts."""

    def __init__(self, say: Callable[[str], object], period: float = PERIOD) -> None:
        """Start without faults; ``say`` logs a line."""
        self._say = say
        self._period = period
        self._told: dict[str, tuple[str, float]] = {}

    def tell(self, name: str, fault: str) -> None:
        """
        Take the present fault of something, and log it where it is new or was told long ago.

        :param fault: '' where there is none. Numbers in it, which differ from time to time, make
            no other fault of it.
        """
        kind, now = _NUMBER.sub('#', fault), time.monotonic()
        before, when = self._told.get(name, ('', -self._period))
        # What comes and goes is told once in the period, too.
        if not fault or (kind == before and now < when + self._period):
            return
        self._told[name] = kind, now
        self._say(fault)
