# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotated images that detectors are measured on, and average precision on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets import Clip, read_clips
from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError
from finetrack_ros.evaluation.detection import (
    precision_recall,
    PrecisionRecall,
    truth_boxes,
    TruthBoxes,
)
from finetrack_ros.evaluation.ground_truth import read_sequence

Detector = Callable[[NDArray[np.uint8]], Detections]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class DetectionSet:
    """
    Where the images of one set are.

    :ivar format: reader of :mod:`finetrack_ros.datasets`.
    :ivar path: relative to the data folder.
    :ivar options: of the reader.
    """

    format: str
    path: str
    options: dict[str, Any]


# People whom the shipped models are not trained on; MOT16-09's first half is.
DETECTION_SETS = {
    'MOT16-09 (second half)': DetectionSet('mot', 'mot/MOT16-09', {'frames': 'second-half'}),
    'TUD-Campus': DetectionSet('mot', 'mot/TUD-Campus', {}),
    'KITTI-17': DetectionSet('mot', 'mot/KITTI-17', {}),
    'ETH-Sunnyday': DetectionSet('mot', 'mot/ETH-Sunnyday', {}),
    'robot_indoor val': DetectionSet('yolo', 'det/robot_indoor/val', {}),
    'COCO people': DetectionSet(
        'yolo', 'det/coco_person', {'part': 'evaluate', 'evaluate_every': 3}),
}


def read_detection_set(name: str, data: Path) -> Clip:
    """
    Read the annotations of one of ``DETECTION_SETS``.

    :param data: the folder that the sets' paths are relative to.
    :raises ConfigError: where no set has the name.
    :raises SourceError: where images or annotations are missing.
    """
    if name not in DETECTION_SETS:
        raise ConfigError(f"Detection set '{name}' is unknown. Choose one of "
                          f'{", ".join(DETECTION_SETS)}.')
    chosen = DETECTION_SETS[name]
    path = data / chosen.path
    if chosen.format == 'mot':
        return read_pedestrians(path, **chosen.options)
    return read_clips(chosen.format, path, **chosen.options)[0]


def read_pedestrians(folder: Path, frames: str | None = None) -> Clip:
    """
    Read a MOTChallenge sequence for average precision.

    To be found are scored pedestrians of visibility above 0.25. Unlike in training, every other
    row (vehicles, occluders) is ignored, and MOT15, which tells no visibility, asks for all.

    :param folder: of the sequence.
    :param frames: part of the sequence, as ``frame_range`` reads it; None takes all.
    :raises SourceError: where images or ground truth are missing.
    """
    clip = read_clips('mot', folder, frames=frames)[0]
    sequence = read_sequence(folder)
    first, _ = frame_range(frames, sequence.length)
    annotated = []
    for number, frame in enumerate(clip.frames, first):
        found = truth_boxes(sequence.truth, number)
        ids = sequence.truth.ids[sequence.truth.frames == number]
        annotated.append(replace(frame, boxes=found.boxes.astype(np.float32), ids=ids,
                                 ignore=found.ignored))
    return replace(clip, frames=tuple(annotated))


def precision_on(detect: Detector, frames: Clip, thresholds: tuple[float, ...] = (0.5, 0.75),
                 progress: Progress = lambda step: None) -> list[PrecisionRecall]:
    """
    Return precision over recall on annotated images, for each IoU that a hit must have.

    :param detect: gives the people in a BGR image, uint8 [H, W, 3], down to low scores.
    :param frames: the images; those in ``ignore`` count neither for nor against.
    :param progress: called with the number of images done.
    :raises SourceError: where an image cannot be read.
    :raises ValueError: where nobody is to be found.
    """
    found, truths = [], []
    for number, frame in enumerate(frames.frames, 1):
        found.append(detect(frame.read()))
        truths.append(TruthBoxes(frame.boxes, frame.ignore))
        progress(f'{number}/{len(frames.frames)}')
    return [precision_recall(found, truths, threshold) for threshold in thresholds]


def detection_ap(detect: Detector, frames: Clip) -> tuple[float, float]:
    """Return AP50 and AP75 on annotated images, 0..1; parameters as :func:`precision_on`."""
    at_50, at_75 = precision_on(detect, frames)
    return at_50.average_precision, at_75.average_precision
