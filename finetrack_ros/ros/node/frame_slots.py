# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hand each camera's newest frame, and small jobs, from the executor's thread to the worker's."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import islice
import threading
from typing import Any, TYPE_CHECKING

from std_msgs.msg import Header

if TYPE_CHECKING:
    from finetrack_ros.ros.node.camera import Camera

Job = Callable[[], None]


@dataclass(frozen=True)
class WaitingFrame:
    """
    What one camera gave at one time, waiting for the worker.

    :ivar camera: that it came from.
    :ivar image: sensor_msgs/Image or CompressedImage; None where none is needed.
    :ivar detections: vision_msgs/Detection2DArray of another detector; None where ours is used.
    :ivar arrival: ``time.monotonic()`` at which it was received.
    """

    camera: Camera
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
        self._frames: dict[Camera, WaitingFrame] = {}
        self._jobs: dict[Hashable, Job] = {}
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

    def put_job(self, key: Hashable, job: Job) -> None:
        """Place something for the worker to do once; a waiting job of the same key goes."""
        with self._changed:
            if not self._closed:
                self._jobs[key] = job
                self._changed.notify()

    def take(self, limit: int) -> tuple[list[WaitingFrame], list[Job]] | None:
        """
        Wait for frames and jobs; take all jobs and at most ``limit`` frames, one per camera.

        :return: frames of those cameras first that have waited longest; None once closed.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or bool(self._frames) or bool(self._jobs))
            if self._closed:
                return None
            jobs, self._jobs = list(self._jobs.values()), {}
            cameras = list(islice(self._frames, limit))
            return [self._frames.pop(camera) for camera in cameras], jobs

    def waiting(self) -> int:
        """Return the number of cameras whose frame waits."""
        with self._changed:
            return len(self._frames)

    def close(self) -> None:
        """Drop what waits and release the thread that waits in :meth:`take`."""
        with self._changed:
            self._closed = True
            self._frames.clear()
            self._jobs.clear()
            self._changed.notify_all()
