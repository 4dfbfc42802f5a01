# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frame in, tracks out: perception and one stream in one object, without ROS."""

from __future__ import annotations

from dataclasses import dataclass
import time

from finetrack_ros.detections import Detections
from finetrack_ros.perception import Perception
from finetrack_ros.protocols import DetectionOptions, Detector, Image, StageTimes
from finetrack_ros.stream import Observation, Stream
from finetrack_ros.tracking import TrackerConfig, Tracks


@dataclass(frozen=True)
class Step:
    """
    One frame that went the whole way.

    :ivar times: seconds that each stage took.
    """

    observation: Observation
    tracks: Tracks
    times: StageTimes


class Pipeline:
    """
    Track one video stream.

    :param model: the loaded model, or a :class:`~finetrack_ros.perception.Perception`, which
        several pipelines may share; None where detections come from elsewhere and are tracked
        without our embeddings.
    :param tracker_config: the tracker's settings.
    :ivar perception: the part that knows no frame before.
    :ivar stream: the part that belongs to this video alone.
    """

    def __init__(self, model: Detector | Perception | None,
                 tracker_config: TrackerConfig | None = None) -> None:
        self.perception = model if isinstance(model, Perception) else Perception(model)
        self.stream = Stream(tracker_config)

    def step(self, image: Image, stamp: float | None = None,
             detections: Detections | None = None, options: DetectionOptions | None = None
             ) -> Tracks:
        """
        Infer and track one frame.

        :param image: BGR uint8 [H, W, 3]; read again at the next step, so do not write into it.
        :param stamp: time of the frame in seconds; None continues at the tracker's frame rate.
        :param detections: of another detector, in pixels of the image; they get our embeddings
            where the pipeline has a model and they bring none. None runs our detector.
        :param options: of this frame's detection; None takes what the model was loaded with.
        :return: confirmed tracks seen in this frame, boxes in pixels of the image.
        :raises ValueError: where there are neither detections nor a model, and, as an InputError,
            where the image is not as said.
        """
        return self.process(image, stamp, detections, options).tracks

    def process(self, image: Image, stamp: float | None = None,
                detections: Detections | None = None, options: DetectionOptions | None = None
                ) -> Step:
        """Do what :meth:`step` does, and return what came out at each stage."""
        given = None if detections is None else [detections]
        perceived = self.perception.perceive([image], options, given)
        return self.track(self.stream.observe(image, perceived[0], perceived.times), stamp)

    def track(self, observation: Observation, stamp: float | None = None) -> Step:
        """
        Track one frame that was observed.

        :param stamp: as in :meth:`step`.
        """
        start = time.perf_counter()
        tracks = self.stream.track(observation, stamp)
        return Step(observation, tracks,
                    observation.times.joined(track=time.perf_counter() - start))

    def reset(self) -> None:
        """Forget all tracks; ids go on."""
        self.stream.reset()
