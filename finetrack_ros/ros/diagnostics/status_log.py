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
        self._told: dict[tuple[str, str], float] = {}

    def tell(self, name: str, fault: str) -> None:
        """
        Take the present fault of something, and log it where it is new or was told long ago.

        :param fault: '' where there is none. Numbers in it, which differ from time to time, make
            no other fault of it.
        """
        now = time.monotonic()
        # What comes and goes, or takes turns with another fault, is told once in the period too.
        self._told = {kind: when for kind, when in self._told.items() if now < when + self._period}
        kind = name, _NUMBER.sub('#', fault)
        if fault and kind not in self._told:
            self._told[kind] = now
            self._say(fault)
