# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hand the newest frame of each camera from the executor's thread to the worker's."""

from __future__ import annotations

from dataclasses import dataclass
import threading
from typing import Any


@dataclass(frozen=True)
class WaitingFrame:
    """
    An image message that waits for the worker.

    :ivar camera: name of the camera that it came from.
    :ivar msg: sensor_msgs/Image or CompressedImage.
    :ivar arrival: ``time.monotonic()`` at which it was received.
    """

    camera: str
    msg: Any
    arrival: float


class FrameSlots:
    """
    One place per camera, which holds its newest frame only.

    A queue would make every frame wait for all frames before it; here a frame waits at most for
    the one in work, and the frames that were overtaken are counted by the caller.
    """

    def __init__(self) -> None:
        """Start empty and open."""
        self._frames: dict[str, WaitingFrame] = {}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, frame: WaitingFrame) -> bool:
        """Place a frame; return True where it replaced one that nobody had taken."""
        with self._changed:
            # Removed first, so that the order of the mapping is the order of arrival.
            replaced = self._frames.pop(frame.camera, None) is not None
            self._frames[frame.camera] = frame
            self._changed.notify()
        return replaced

    def take_all(self) -> list[WaitingFrame]:
        """Wait for frames and return one per camera, oldest first; none once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._frames))
            frames = [] if self._closed else list(self._frames.values())
            self._frames.clear()
        return frames

    def close(self) -> None:
        """Drop what waits and release the thread that waits in :meth:`take_all`."""
        with self._changed:
            self._closed = True
            self._frames.clear()
            self._changed.notify_all()
