# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Training batches of crops alone: re-identification without frames.

Of crops alone a training sees twice as many people a second as in frames, whose detection costs
more than the people in them: the pixels' half of the embedder learns from these. What the
detector's features add is learnt after it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference.preprocessing import crop_targets
from finetrack_ros.training.augment import AugmentConfig, photometric
from finetrack_ros.training.compose import ComposeConfig, paste, truncate, views
from finetrack_ros.training.config import DataConfig
from finetrack_ros.training.crop_pool import CropPool
from finetrack_ros.training.dataset import shifted
from finetrack_ros.training.schedule import Step

# Crops of each person of known identity in a batch.
VIEWS = 4
# Height of a person, and how much larger than a person the piece of picture around is.
PERSON = (72, 160)
AROUND = 1.5


class CropBatch(NamedTuple):
    """
    People cut out.

    ``crops`` uint8 [N, rows, columns, 3], BGR; ``ids`` int64 [N], -1 where unknown; ``teacher``
    float32 [N, Dt], NaN where teachers say nothing.
    """

    crops: torch.Tensor
    ids: torch.Tensor
    teacher: torch.Tensor


class CropDataset(Dataset[CropBatch]):
    """
    Makes the batch of a step out of a pool's crops; a function of the step's seed.

    :param pool: where the crops are from.
    :param size: rows and columns of a crop, as the embedder takes them.
    :param config: ``crops`` per step, and how wrong boxes are.
    :param compose: how people are hidden, cut off and blended in; share of the unknown.
    :param augment: light and camera.
    :param teacher_dim: width Dt of the teachers' vectors; 0 without teachers.
    :raises ConfigError: where the pool is empty.
    """

    def __init__(self, pool: CropPool, size: tuple[int, int], config: DataConfig,
                 compose: ComposeConfig, augment: AugmentConfig, teacher_dim: int = 0) -> None:
        self._pool, self._size, self._config = pool, size, config
        self._compose, self._augment = compose, augment
        self._teacher_dim = teacher_dim
        self._identities = np.array(sorted(pool.known), np.int64)
        if not len(pool):
            raise ConfigError('crops: nobody is large enough to be cut out of the images')

    def __getitem__(self, step: Step) -> CropBatch:
        """Return the batch of a step: people of known identity first, in ``VIEWS`` crops each."""
        rng = np.random.default_rng(step.seed)
        chosen = self._choose(rng)
        crops = np.stack([self._see(crop, rng) for crop, _ in chosen])
        teacher = np.full((len(chosen), self._teacher_dim), np.nan, np.float32)
        for row, (crop, _) in zip(teacher, chosen, strict=True):
            vector = self._pool.vector(crop)
            if vector is not None:
                row[:] = vector
        ids = np.array([number for _, number in chosen], np.int64)
        return CropBatch(*map(torch.from_numpy, (crops, ids, teacher)))

    def _choose(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Return crops and identity numbers."""
        share = self._compose.unknown if len(self._identities) else 1.0
        strangers = min(round(self._config.crops * share), len(self._pool.unknown))
        people = min((self._config.crops - strangers) // VIEWS, len(self._identities))
        chosen = [(crop, int(number))
                  for number in rng.choice(self._identities, people, replace=False)
                  for crop in views(self._pool.known[int(number)], VIEWS, rng)]
        places = rng.choice(len(self._pool.unknown), strangers, replace=False)
        return chosen + [(self._pool.unknown[place], -1) for place in places]

    def _see(self, crop: int, rng: np.random.Generator) -> np.ndarray:
        """Show a crop's person as a camera and a detector might, uint8 [rows, columns, 3]."""
        height = np.exp(rng.uniform(*np.log(PERSON)))
        width = height / 2 * np.exp(rng.uniform(-1, 1) * self._compose.aspect)
        around = (round(width * AROUND), round(height * AROUND))
        # Others stand around: any crop is as good a background.
        canvas = cv2.resize(self._pool.read(int(rng.integers(len(self._pool)))), around)
        corner = (np.array(around) - (width, height)) / 2
        box = np.concatenate([corner, corner + (width, height)]).round().astype(int)
        paste(canvas, truncate(self._pool.read(crop), rng, self._compose), box, rng,
              self._compose)
        image = photometric(canvas, rng, self._augment)
        region = shifted(box[None].astype(np.float32), rng, self._config)
        return crop_targets(image, region, self._size)[0]
