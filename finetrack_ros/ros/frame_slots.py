# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hand the newest frame of each camera from the executor's thread to the worker's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
import threading
from typing import Any

from std_msgs.msg import Header


@dataclass(frozen=True)
class WaitingFrame:
    """
    What one camera gave at one time, waiting for the worker.

    :ivar camera: name of the camera that it came from.
    :ivar image: sensor_msgs/Image or CompressedImage; None where none is needed.
    :ivar detections: vision_msgs/Detection2DArray of another detector; None where ours is used.
    :ivar arrival: ``time.monotonic()`` at which it was received.
    """

    camera: str
    image: Any
    detections: Any
    arrival: float

    @property
    def header(self) -> Header:
        """Return the header under which the tracks are published."""
        return (self.detections if self.image is None else self.image).header


class FrameSlots:
    """
    One place per camera, which holds its newest frame only.

    A queue would make every frame wait for all frames before it; here a frame waits at most for
    one of each other camera, and the frames that were overtaken are counted by the caller.
    """

    def __init__(self) -> None:
        """Start empty and open."""
        self._frames: dict[str, WaitingFrame] = {}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, frame: WaitingFrame) -> bool:
        """Place a frame; return True where it replaced one that nobody had taken."""
        with self._changed:
            # A replaced frame's successor keeps its turn: of two cameras that are both faster
            # than the work, the one whose images come a little later would never have one.
            replaced = frame.camera in self._frames
            self._frames[frame.camera] = frame
            self._changed.notify()
        return replaced

    def take(self, limit: int) -> list[WaitingFrame]:
        """
        Wait for frames and take at most ``limit``, one per camera.

        :return: frames of those cameras first that have waited longest; none once closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._frames))
            cameras = [] if self._closed else list(islice(self._frames, limit))
            return [self._frames.pop(camera) for camera in cameras]

    def waiting(self) -> int:
        """Return the number of cameras whose frame waits."""
        with self._changed:
            return len(self._frames)

    def close(self) -> None:
        """Drop what waits and release the thread that waits in :meth:`take`."""
        with self._changed:
            self._closed = True
            self._frames.clear()
            self._changed.notify_all()
