# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What belongs to one camera: its motion and its tracks."""

from __future__ import annotations

from dataclasses import dataclass
import time

from finetrack_ros.detections import Detections
from finetrack_ros.inference.preprocessing import check_image
from finetrack_ros.motion import CameraMotion
from finetrack_ros.protocols import Affine, Image, StageTimes
from finetrack_ros.protocols import Tracker as TrackerLike
from finetrack_ros.tracking import Tracker, TrackerConfig, Tracks


@dataclass(frozen=True)
class Observation:
    """
    All that a tracker takes in of one frame.

    :ivar detections: of the frame, as they are tracked.
    :ivar motion: the camera's motion since the frame before, affine [2, 3]; None where it stood
        still or was not estimated.
    :ivar times: seconds that the stages up to here took.
    """

    detections: Detections
    motion: Affine | None = None
    times: StageTimes = StageTimes()


class Stream:
    """
    The frames of one camera, in their order.

    :param config: the tracker's settings; None takes the default ones.
    :param tracker: another tracker than ours, whose own settings then hold.
    """

    def __init__(self, config: TrackerConfig | None = None, tracker: TrackerLike | None = None
                 ) -> None:
        self.tracker: TrackerLike = Tracker(config) if tracker is None else tracker
        self._motion = CameraMotion()

    @property
    def jumps(self) -> int:
        """Return the frames so far whose stamp jumped back, as in a new recording."""
        return self.tracker.jumps

    def configure(self, config: TrackerConfig) -> None:
        """Take other settings for the frames to come; the tracks stay."""
        self.tracker.config = config

    def observe(self, image: Image | None, detections: Detections,
                times: StageTimes | None = None) -> Observation:
        """
        Return all that the tracker takes in of the next frame.

        :param image: BGR uint8 [H, W, 3], from which the camera's motion is taken; read again at
            the next call, so do not write into it. None takes the camera as still.
        :param times: of the stages before.
        :raises InputError: where the image is not as said.
        """
        start = time.perf_counter()
        motion = None
        image = None if image is None else check_image(image)
        if image is not None and self.tracker.config.camera_motion == 'flow':
            motion = self._motion.estimate(image, detections.boxes)
        times = (times or StageTimes()).joined(motion=time.perf_counter() - start)
        return Observation(detections, motion, times)

    def track(self, observation: Observation, stamp: float | None = None) -> Tracks:
        """
        Track one frame that was observed.

        :param stamp: time of the frame in seconds; None is one frame period after the last.
        :return: confirmed tracks seen in this frame, boxes in pixels of the image.
        """
        return self.tracker.update(observation.detections, stamp, observation.motion)

    def reset(self) -> None:
        """Forget all tracks; ids go on."""
        self.tracker.reset()
        self._motion.reset()
