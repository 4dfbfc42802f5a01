# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Training batches: real frames with boxes beside composed frames with many identities.

One step trains on the frames of one sampler batch (a video, or still images) followed by the
frames of one virtual video. A step is a function of seed and step number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
import torch
from torch.utils.data import Dataset

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.errors import SourceError
from finetrack_ros.training.augment import AugmentConfig, pad, photometric, random_view, View
from finetrack_ros.training.compose import ComposedFrame, VirtualVideoComposer
from finetrack_ros.training.config import DataConfig
from finetrack_ros.training.crop_pool import CropPool
from finetrack_ros.training.schedule import Step

# A box cut or shrunk to less than this is neither an example of a person nor of background.
MIN_VISIBLE = 0.3
MIN_HEIGHT = 10.0
MIN_WIDTH = 3.0
# Below this fraction a person's parts are too few to tell who it is.
MIN_VISIBLE_FOR_IDENTITY = 0.6
MIN_VISIBLE_FOR_TEACHERS = 0.4
# Of the regions shown to the embedder this share is as wrong as a detector's worst.
WRONG_BOXES = 0.2

_log = logging.getLogger(__name__)


class Targets(NamedTuple):
    """
    The people of one frame.

    ``boxes`` float32 [N, 4] xyxy in pixels of the input; ``regions`` float32 [N, 4], the boxes as
    a detector might have found them; ``ids`` int64 [N], identity numbers from 0, or -1 where
    unknown; ``ignore`` bool [N], true for people to leave out of every loss; ``teacher`` float32
    [N, Dt], what the teachers say of them, NaN where nothing; ``detect`` is false where the
    detection loss does not apply.
    """

    boxes: torch.Tensor
    regions: torch.Tensor
    ids: torch.Tensor
    ignore: torch.Tensor
    teacher: torch.Tensor
    detect: bool


class Batch(NamedTuple):
    """``images`` uint8 [B, 3, H, W], BGR 0-255, padded with 114; ``targets``, one per image."""

    images: torch.Tensor
    targets: list[Targets]


@dataclass(frozen=True)
class TrainingClip:
    """
    A clip and what it may teach.

    ``numbers``: its ids mapped to identity numbers; ``vectors``: of the teachers, [N, Dt] for
    each frame, or None; ``detect``: whether its boxes train the detector; ``appearance``: whether
    its people train the embedding.
    """

    clip: Clip
    numbers: dict[int, int]
    vectors: Sequence[NDArray[np.float16]] | None
    detect: bool = True
    appearance: bool = True


class TrainingDataset(Dataset[Batch]):
    """
    Makes the batch of a step: reads, augments and composes its frames.

    An image that cannot be read is replaced by the next of its clip, and counted.

    :param clips: real frames.
    :param composer: composes virtual videos; None where steps hold real frames alone.
    :param pool: the crops that these are made of.
    :param config: see ``DataConfig``.
    :param augment: see ``AugmentConfig``.
    :param teacher_dim: width Dt of the teachers' vectors; 0 without teachers.
    :ivar skipped: int64 scalar, images skipped so far by all worker processes.
    """

    def __init__(self, clips: Sequence[TrainingClip], composer: VirtualVideoComposer | None,
                 pool: CropPool, config: DataConfig, augment: AugmentConfig,
                 teacher_dim: int = 0) -> None:
        self._clips, self._composer, self._pool = clips, composer, pool
        self._config, self._augment = config, augment
        self._teacher_dim = teacher_dim
        self.skipped = torch.zeros((), dtype=torch.int64).share_memory_()
        self._reported: set[str] = set()

    def __getitem__(self, step: Step) -> Batch:
        """Return the batch of a step: its real frames, then the composed ones."""
        rng = np.random.default_rng(step.seed)
        frames = [self._real_frame(clip, frame, rng) for clip, frame in step.frames]
        if self._composer is not None:
            composed = self._composer.compose(self._config.composed_frames, rng)
            frames.extend((frame.image, self._composed_targets(frame, rng)) for frame in composed)
        images = np.stack([image for image, _ in frames]).transpose(0, 3, 1, 2)
        return Batch(torch.from_numpy(np.ascontiguousarray(images)),
                     [targets for _, targets in frames])

    def read(self, clip: int, frame: int) -> tuple[np.ndarray, int]:
        """
        Read a frame, or the next of its clip that can be read.

        :return: BGR image uint8 [H, W, 3], and the frame's position.
        :raises SourceError: where no frame of the clip can be read.
        """
        frames = self._clips[clip].clip.frames
        for place in (*range(frame, len(frames)), *range(frame)):
            try:
                return frames[place].read(), place
            except SourceError as error:
                self.skipped += 1
                if str(error) not in self._reported:
                    self._reported.add(str(error))
                    _log.warning('skipped: %s', error)
        raise SourceError(f'{self._clips[clip].clip.name}: none of its {len(frames)} images can '
                          'be read; check the data folder')

    def _real_frame(self, clip: int, frame: int,
                    rng: np.random.Generator) -> tuple[np.ndarray, Targets]:
        pixels, frame = self.read(clip, frame)
        mine = self._clips[clip]
        annotated = mine.clip.frames[frame]
        size = (self._config.input_size, self._config.input_size)
        view = random_view(pixels, annotated.boxes, size, rng, self._augment)
        image = pad(photometric(view.image, rng, self._augment), size)
        vectors = None if mine.vectors is None else mine.vectors[frame]
        return image, self._real_targets(annotated, view, mine, vectors, rng)

    def _real_targets(self, frame: AnnotatedFrame, view: View, mine: TrainingClip,
                      vectors: NDArray[np.float16] | None, rng: np.random.Generator) -> Targets:
        """Return the targets of a real frame as seen after its cut, without those cut away."""
        left = view.visible > 0
        boxes, visible = view.boxes[left], view.visible[left]
        sizes = boxes[:, 2:] - boxes[:, :2]
        ignore = (frame.ignore[left] | (visible < MIN_VISIBLE)
                  | (sizes[:, 0] < MIN_WIDTH) | (sizes[:, 1] < MIN_HEIGHT))
        ids = np.array([mine.numbers.get(int(person), -1) for person in frame.ids[left]], np.int64)
        ids[ignore | (visible < MIN_VISIBLE_FOR_IDENTITY) | (not mine.appearance)] = -1
        teacher = self._nothing(len(boxes))
        if vectors is not None and mine.appearance:
            teacher[:] = vectors[left]
            teacher[ignore | (visible < MIN_VISIBLE_FOR_TEACHERS)] = np.nan
        regions = shifted(boxes, rng, self._config)
        return _targets(boxes, regions, ids, ignore, teacher, mine.detect)

    def _composed_targets(self, frame: ComposedFrame, rng: np.random.Generator) -> Targets:
        teacher = self._nothing(len(frame.ids))
        for row, crop in zip(teacher, frame.crops, strict=True):
            vector = self._pool.vector(int(crop))
            if vector is not None:
                row[:] = vector
        regions = shifted(frame.boxes, rng, self._config)
        return _targets(frame.boxes, regions, frame.ids, np.zeros(len(frame.ids), bool), teacher,
                        False)

    def _nothing(self, count: int) -> NDArray[np.float32]:
        return np.full((count, self._teacher_dim), np.nan, np.float32)


def shifted(boxes: np.ndarray, rng: np.random.Generator, config: DataConfig) -> np.ndarray:
    """Move the edges of boxes [N, 4] as detectors do, some of them far."""
    wrong = rng.random((len(boxes), 1)) < WRONG_BOXES
    most = np.where(wrong, config.wrong_box, config.box_jitter)
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return (boxes + rng.uniform(-1, 1, boxes.shape) * most * sizes).astype(np.float32)


def _targets(boxes: Any, regions: Any, ids: Any, ignore: Any, teacher: Any,
             detect: bool) -> Targets:
    boxes, regions, ids, ignore, teacher = (
        torch.from_numpy(np.ascontiguousarray(value))
        for value in (boxes, regions, ids, ignore, teacher))
    return Targets(boxes, regions, ids, ignore, teacher, detect)
