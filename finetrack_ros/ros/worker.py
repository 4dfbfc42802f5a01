# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The thread that works on frames, so that the executor's thread only receives them."""

from __future__ import annotations

from collections.abc import Callable
import threading

from finetrack_ros.ros.frame_slots import FrameSlots, WaitingFrame


class Worker:
    """Takes what waits in the slots, all cameras at once and the oldest frame first."""

    def __init__(self, handle: Callable[[list[WaitingFrame]], None]) -> None:
        """Start the thread; ``handle`` must not raise."""
        self.slots = FrameSlots()
        self._handle = handle
        self._thread = threading.Thread(target=self._run, name='tracking', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while frames := self.slots.take_all():
            self._handle(frames)

    def stop(self) -> None:
        """Drop what waits and return when the frame in work is done."""
        self.slots.close()
        self._thread.join()
