# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
People whom the labels leave out, found by other detectors.

Many sets label some people only: full bodies, or the nearest. A detector trained on them learns
that the others are background. Where two detectors agree on an unlabelled person it is one; where
one alone is sure, nobody knows, and the place counts neither way.

Detectors are OpenVINO IR networks of Open Model Zoo, such as ``person-detection-0201`` (SSD) and
``person-detection-0203`` (ATSS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import hashlib
from pathlib import Path
from typing import Any
import zipfile
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import box_iou
from finetrack_ros.training.config import require_probabilities
from finetrack_ros.training.teachers import image_size, load_network, write_aside

SAME = 0.5
# What overlaps a label this much is the labelled person, seen differently.
LABELLED = 0.3


@dataclass(frozen=True)
class PseudoLabeller:
    """
    A detector that adds people to labels.

    ``path``: IR file (.xml). ``sure``: score from which a find counts; the scales of detectors
    differ, so each has its own, chosen where its precision on labelled frames is 0.9.
    """

    path: str
    sure: float

    def __post_init__(self) -> None:
        """Check the score."""
        require_probabilities(self, 'sure')


class PseudoLabels:
    """
    Two or more detectors that vote.

    :param labellers: the detectors: IR file, and score from which a find counts.
    :param cache: folder where finds are kept from run to run.
    :param progress: called with what is being computed.
    :raises SourceError: where a network is missing or damaged.
    """

    def __init__(self, labellers: Sequence[tuple[Path, float]], cache: Path,
                 progress: Callable[[str], None] = lambda step: None) -> None:
        self._detectors = [(_Detector(path), sure) for path, sure in labellers]
        self._cache = cache
        self._progress = progress

    def complete(self, clip: Clip) -> Clip:
        """Return the clip with the people that its labels leave out."""
        finds = [self._finds(detector, clip) for detector, _ in self._detectors]
        frames = []
        for number, frame in enumerate(clip.frames):
            sure = [found[number][found[number][:, 4] >= least, :4]
                    for found, (_, least) in zip(finds, self._detectors, strict=True)]
            frames.append(_completed(frame, sure))
        return replace(clip, frames=tuple(frames))

    def _finds(self, detector: _Detector, clip: Clip) -> list[NDArray[np.float32]]:
        """Return a detector's boxes and scores [N, 5] for each frame."""
        names = [str(Path(*frame.path.parts[-3:])) for frame in clip.frames]
        key = hashlib.sha256('\n'.join([detector.key, *names]).encode()).hexdigest()[:24]
        path = self._cache / f'{key}.npz'
        stored = _stored_finds(path, len(names))
        if stored is not None:
            return stored
        self._progress(f'{len(names)} frames of {clip.name} to {detector.name}')
        found = [detector(frame) for frame in clip.frames]
        counts = np.array([len(boxes) for boxes in found])
        write_aside(path, lambda file: np.savez_compressed(
            file, boxes=np.concatenate(found), counts=counts))
        return found


def _stored_finds(path: Path, frames: int) -> list[NDArray[np.float32]] | None:
    """Return finds of an earlier run; None where there are none, or the file is damaged."""
    try:
        with np.load(path) as stored:
            boxes, counts = stored['boxes'], stored['counts']
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    if len(counts) != frames or boxes.shape != (counts.sum(), 5):
        return None
    return np.split(boxes, np.cumsum(counts)[:-1])


def _completed(frame: AnnotatedFrame, sure: Sequence[NDArray[np.float32]]) -> AnnotatedFrame:
    """Add the people that detectors find; ``sure``: xyxy [N, 4] of each detector."""
    added, lone = [frame.boxes], []
    for number, boxes in enumerate(sure):
        same = np.array([(box_iou(boxes, other) >= SAME).any(axis=1) for other in sure])
        fresh = ~same[:number].any(axis=0) & ~(box_iou(boxes, frame.boxes) >= LABELLED).any(axis=1)
        agreed = same.sum(axis=0) > 1
        added.append(boxes[fresh & agreed])
        lone.append(boxes[fresh & ~agreed])
    counts = [sum(map(len, added)) - len(frame.boxes), sum(map(len, lone))]
    return replace(
        frame, boxes=np.concatenate([*added, *lone]).astype(np.float32),
        ids=np.concatenate([frame.ids, np.full(sum(counts), -1, np.int64)]),
        ignore=np.concatenate([frame.ignore, np.repeat([False, True], counts)]))


class _Detector:
    """One network; ``key`` says which, by its content."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        model, self.key = load_network(path)
        from finetrack_ros.inference.openvino_library import ov

        self._height, self._width = image_size(model, path)
        self._output = next((number for number, output in enumerate(model.outputs)
                             if _width(output) in (5, 7)), -1)
        if self._output < 0:
            raise SourceError(f'{path}: has no output of rows of 5 or 7 numbers; give a detector '
                              'such as person-detection-0201 or -0203')

        self._model = ov.Core().compile_model(model, 'CPU', {'ENABLE_CPU_PINNING': False})

    def __call__(self, frame: AnnotatedFrame) -> NDArray[np.float32]:
        """Return boxes xyxy in pixels of the frame, and scores, [N, 5]; none if unreadable."""
        try:
            image = frame.read()
        except SourceError:
            return np.zeros((0, 5), np.float32)
        height, width = image.shape[:2]
        resized = cv2.resize(image, (self._width, self._height)).astype(np.float32)
        rows = self._model(resized.transpose(2, 0, 1)[None])[self._output]
        if rows.shape[-1] == 7:
            # SSD: image, class, score, box in fractions of the image.
            rows = rows.reshape(-1, 7)
            boxes = np.hstack([rows[:, 3:7] * [width, height, width, height], rows[:, 2:3]])
        else:
            # ATSS: box in pixels of the input, score.
            rows = rows.reshape(-1, 5)
            scale = [width / self._width, height / self._height] * 2
            boxes = np.hstack([rows[:, :4] * scale, rows[:, 4:5]])
        return boxes[boxes[:, 4] > 0.02].astype(np.float32)


def _width(output: Any) -> int:
    """Return the length of an output's rows; 0 where it has none, or they vary."""
    shape = output.partial_shape
    if shape.rank.is_dynamic or len(shape) < 2 or shape[-1].is_dynamic:
        return 0
    return int(shape[-1].get_length())
