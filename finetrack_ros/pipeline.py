# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frame in, tracks out: detector, embedder and tracker in one object, without ROS."""

from __future__ import annotations

from dataclasses import replace
import time

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.inference.preprocessing import check_image
from finetrack_ros.motion import CameraMotion
from finetrack_ros.tracking import Tracker, TrackerConfig, Tracks

Image = NDArray[np.uint8]


class Pipeline:
    """
    Track one video stream.

    :param runner: the loaded model, which several pipelines may share; None where detections
        come from elsewhere and are tracked without our embeddings.
    :param tracker_config: the tracker's settings.
    :ivar timings: seconds that each stage of the last frame took.
    """

    def __init__(self, runner: FineTrackRunner | None, tracker_config: TrackerConfig | None = None
                 ) -> None:
        self.runner = runner
        self.tracker = Tracker(tracker_config or TrackerConfig())
        self.timings: dict[str, float] = {}
        self._camera = CameraMotion()

    def step(self, image: Image, stamp: float | None = None,
             detections: Detections | None = None) -> Tracks:
        """
        Infer and track one frame.

        :param image: BGR uint8 [H, W, 3]; read again at the next step, so do not write into it.
        :param stamp: time of the frame in seconds; None continues at the tracker's frame rate.
        :param detections: of another detector, in pixels of the image; they get our embeddings
            where the pipeline has a model and they bring none. None runs our detector.
        :return: confirmed tracks seen in this frame, boxes in pixels of the image.
        :raises ValueError: where there are neither detections nor a model, and, as an InputError,
            where the image is not as said.
        """
        image = check_image(image)
        inference: dict[str, float] = {}
        if self.runner is not None and (detections is None or detections.embeddings is None):
            if detections is None:
                detections = self.runner.infer([image])[0]
            else:
                vectors = self.runner.embed([image], [detections.boxes])[0]
                detections = replace(detections, embeddings=vectors)
            inference = self.runner.timings
        if detections is None:
            raise ValueError('a pipeline without a model needs detections')
        tracks = self.track(image, detections, stamp)
        self.timings = {**inference, **self.timings}
        return tracks

    def track(self, image: Image | None, detections: Detections, stamp: float | None = None
              ) -> Tracks:
        """
        Track one frame whose inference is done, such as one of a batch.

        :param image: BGR uint8 [H, W, 3], from which the camera's motion is taken; None takes
            the camera as still.
        :param detections: of this frame, as they shall be tracked.
        :param stamp: as in :meth:`step`.
        :return: confirmed tracks seen in this frame.
        :raises InputError: where the image is not as said.
        """
        start = time.perf_counter()
        motion = None
        image = None if image is None else check_image(image)
        if image is not None and self.tracker.config.camera_motion == 'flow':
            motion = self._camera.estimate(image, detections.boxes)
        estimated = time.perf_counter()
        tracks = self.tracker.update(detections, stamp, motion)
        self.timings = {'motion': estimated - start, 'track': time.perf_counter() - estimated}
        return tracks

    def reset(self) -> None:
        """Forget all tracks; ids go on."""
        self.tracker.reset()
        self._camera.reset()
