# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a tracker takes in of a sequence: inferred once, tracked again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import tlwh_to_xyxy, xyxy_to_tlwh
from finetrack_ros.io import FrameSource, MotDetections, MotRows
from finetrack_ros.perception import Perception
from finetrack_ros.protocols import Affine, Detector
from finetrack_ros.stream import Observation, Stream
from finetrack_ros.tracking import TrackerConfig


@dataclass(frozen=True)
class Observations:
    """
    What a tracker takes in of one sequence; entry i of each belongs to the i-th of F frames.

    :ivar numbers: the frames' numbers, rising from 1 or more.
    :ivar stamps: their times in seconds.
    :ivar detections: their detections.
    :ivar motions: the camera's motion since the frame before, affine [2, 3] as
        :meth:`~finetrack_ros.tracking.Tracker.update` takes it, or None.
    """

    numbers: list[int]
    stamps: list[float]
    detections: list[Detections]
    motions: list[Affine | None]

    @property
    def has_embeddings(self) -> bool:
        """Return whether detections have embeddings."""
        return any(found.embeddings is not None for found in self.detections)

    @property
    def has_motion(self) -> bool:
        """Return whether the camera moves in any frame."""
        return any(motion is not None for motion in self.motions)


def observe(frames: FrameSource, model: Detector | None,
            detections: MotDetections | None = None,
            advance: Callable[[], None] = lambda: None) -> Observations:
    """
    Go the way of a frame up to the tracker, for all frames of a source.

    :param model: None gives the ``detections`` no embeddings.
    :param detections: of another detector, paired with frames by number; None runs ours.
    :param advance: called after every frame.
    """
    perception, stream = Perception(model), Stream(TrackerConfig(camera_motion='flow'))
    seen = Observations([], [], [], [])
    for frame in frames:
        given = None if detections is None else [detections.of_frame(frame.index)]
        found = perception.detect([frame.image], given=given)[0]
        observation = stream.observe(frame.image, found)
        seen.numbers.append(frame.index)
        seen.stamps.append(frame.stamp)
        seen.detections.append(observation.detections)
        seen.motions.append(observation.motion)
        advance()
    return seen


def observe_text(detections: MotDetections, length: int, frame_rate: float) -> Observations:
    """Return the observations of ``length`` frames that have detections but no images."""
    numbers = list(range(1, length + 1))
    return Observations(numbers, [number / frame_rate for number in numbers],
                        [detections.of_frame(number) for number in numbers], [None] * length)


def replay(observations: Observations, config: TrackerConfig) -> MotRows:
    """
    Track a sequence from its observations.

    :return: the tracks as ``finetrack track`` writes them: boxes to a hundredth of a pixel,
        scores to four digits.
    """
    stream = Stream(config)
    frames, tracks = [], []
    for number, stamp, found, motion in zip(
            observations.numbers, observations.stamps, observations.detections,
            observations.motions, strict=True):
        moves = config.camera_motion == 'flow'
        tracks.append(stream.track(Observation(found, motion if moves else None), stamp))
        frames.append(np.full(len(tracks[-1]), number))
    boxes = np.concatenate([part.boxes for part in tracks]).astype(np.float64)
    scores = np.concatenate([part.scores for part in tracks]).astype(np.float64)
    return MotRows(
        np.concatenate(frames), np.concatenate([part.ids for part in tracks]),
        tlwh_to_xyxy(xyxy_to_tlwh(boxes).round(2)), scores.round(4), np.zeros((len(scores), 0)))
