# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The thread that works on frames, so that the executor's thread only receives them."""

from __future__ import annotations

from collections.abc import Callable
import threading

from finetrack_ros.ros.node.frame_slots import FrameSlots, WaitingFrame


class Worker:
    """Takes what waits in the slots, the camera that has waited longest first."""

    def __init__(self, handle: Callable[[list[WaitingFrame]], None], limit: int) -> None:
        """Start the thread; ``handle``, which gets at most ``limit`` frames, must not raise."""
        self.slots = FrameSlots()
        self._handle = handle
        self._limit = limit
        self._thread = threading.Thread(target=self._run, name='tracking', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (taken := self.slots.take(self._limit)) is not None:
            frames, jobs = taken
            for job in jobs:
                job()
            if frames:
                self._handle(frames)

    def stop(self) -> None:
        """Drop what waits and return when the frames in work are done."""
        self.slots.close()
        self._thread.join()
