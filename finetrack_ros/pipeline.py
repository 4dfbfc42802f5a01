# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frame in, tracks out: detector, embedder and tracker in one object, without ROS."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.motion import CameraMotion
from finetrack_ros.tracking import Tracker, TrackerConfig, Tracks


class Pipeline:
    """
    Track one video stream.

    :param runner: the loaded model; several pipelines may share one.
    :param tracker_config: the tracker's settings.
    """

    def __init__(self, runner: FineTrackRunner, tracker_config: TrackerConfig | None = None
                 ) -> None:
        self.runner = runner
        self.tracker = Tracker(tracker_config or TrackerConfig())
        self.timings: dict[str, float] = {}
        self._camera = CameraMotion()

    def step(self, image: NDArray[np.uint8], stamp: float | None = None) -> Tracks:
        """
        Track one frame.

        :param image: BGR uint8 [H, W, 3].
        :param stamp: time of the frame in seconds; None continues at the tracker's frame rate.
        :return: confirmed tracks seen in this frame, boxes in pixels of the image.
        """
        detections = self.runner.infer([image])[0]
        start = time.perf_counter()
        motion = None
        if self.tracker.config.camera_motion == 'flow':
            motion = self._camera.estimate(image, detections.boxes)
        estimated = time.perf_counter()
        tracks = self.tracker.update(detections, stamp, motion)
        self.timings = {**self.runner.timings, 'motion': estimated - start,
                        'track': time.perf_counter() - estimated}
        return tracks

    def reset(self) -> None:
        """Forget all tracks; ids go on."""
        self.tracker.reset()
        self._camera.reset()
