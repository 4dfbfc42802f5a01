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

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import box_iou
from finetrack_ros.training.teachers import load_network

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
        if path.is_file():
            with np.load(path) as stored:
                return np.split(stored['boxes'], np.cumsum(stored['counts'])[:-1])
        self._progress(f'{len(names)} frames of {clip.name} to {detector.name}')
        found = [detector(frame) for frame in clip.frames]
        self._cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix('.part.npz')
        np.savez_compressed(part, boxes=np.concatenate(found),
                            counts=np.array([len(boxes) for boxes in found]))
        part.replace(path)
        return found


def _completed(frame: AnnotatedFrame, sure: Sequence[NDArray[np.float32]]) -> AnnotatedFrame:
    first, others = sure[0], np.concatenate(sure[1:])
    agreed = (box_iou(first, others) >= SAME).any(axis=1)
    lone = np.concatenate([first[~agreed], *(
        boxes[~(box_iou(boxes, first) >= SAME).any(axis=1)] for boxes in sure[1:])])
    added = np.concatenate([first[agreed], lone])
    ignore = np.arange(len(added)) >= agreed.sum()
    fresh = ~(box_iou(added, frame.boxes) >= LABELLED).any(axis=1)
    return replace(
        frame, boxes=np.concatenate([frame.boxes, added[fresh]]).astype(np.float32),
        ids=np.concatenate([frame.ids, np.full(fresh.sum(), -1, np.int64)]),
        ignore=np.concatenate([frame.ignore, ignore[fresh]]))


class _Detector:
    """One network; ``key`` says which, by its content."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        model, self.key = load_network(path)
        _, _, self._height, self._width = (int(side) for side in model.input(0).shape)
        import openvino

        self._model = openvino.Core().compile_model(model, 'CPU', {'ENABLE_CPU_PINNING': False})

    def __call__(self, frame: AnnotatedFrame) -> NDArray[np.float32]:
        """Return boxes xyxy in pixels of the frame, and scores, [N, 5]; none if unreadable."""
        try:
            image = frame.read()
        except SourceError:
            return np.zeros((0, 5), np.float32)
        height, width = image.shape[:2]
        resized = cv2.resize(image, (self._width, self._height)).astype(np.float32)
        found = self._model(resized.transpose(2, 0, 1)[None])
        rows = next(value for value in found.to_tuple()
                    if value.ndim > 1 and value.shape[-1] in (5, 7))
        if rows.shape[-1] == 7:
            # SSD: image, class, score, box in fractions of the image.
            rows = rows.reshape(-1, 7)
            boxes = np.hstack([rows[:, 3:7] * [width, height, width, height], rows[:, 2:3]])
        else:
            # ATSS: box in pixels of the input, score.
            scale = [width / self._width, height / self._height] * 2
            boxes = np.hstack([rows[:, :4] * scale, rows[:, 4:5]])
        return boxes[boxes[:, 4] > 0.02].astype(np.float32)
