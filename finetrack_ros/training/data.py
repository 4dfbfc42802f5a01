# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Brings a recipe's data together: annotations, crops, teachers, the order of the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import lightning as L
import numpy as np
from torch.utils.data import DataLoader

from finetrack_ros.datasets.annotations import Clip
from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.datasets.registry import read_clips
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.training.compose import VirtualVideoComposer
from finetrack_ros.training.crop_dataset import CropDataset
from finetrack_ros.training.crop_pool import CropPool
from finetrack_ros.training.dataset import TrainingClip, TrainingDataset
from finetrack_ros.training.pseudo_labels import PseudoLabels
from finetrack_ros.training.recipe import differences, FrameSet, locate, Recipe
from finetrack_ros.training.revision import revision
from finetrack_ros.training.schedule import StepSchedule
from finetrack_ros.training.teachers import Teachers


class FineTrackData(L.LightningDataModule):
    """
    Training data of FineTrack.

    :param recipe: what to read, and how.
    :param root: the data folder.
    :param cache: folder for what teachers and labellers say.
    :param progress: called with what takes long, as it begins.
    :param crop_size: rows and columns of the pixels that the embedder takes.
    :raises ConfigError: when a setting is out of range.
    :raises SourceError: on ``setup``, when data is missing or malformed.
    :ivar num_identities: of the training data, known after ``setup``.
    :ivar teacher_dim: width of the teachers' vectors; 0 without teachers.
    """

    def __init__(self, recipe: Recipe, root: Path, cache: Path,
                 progress: Callable[[str], None] = lambda step: None,
                 crop_size: tuple[int, int] = (96, 32)) -> None:
        super().__init__()
        self._crop_size = crop_size
        self.recipe, self.root, self.cache = recipe, root, cache
        self.num_identities = self.teacher_dim = 0
        self._damaged_crops = 0
        self._progress = progress
        self._dataset: TrainingDataset | CropDataset | None = None
        self._schedule: StepSchedule | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read all annotations and cut the crops; does nothing when called again."""
        if self._dataset is not None:
            return
        recipe = self.recipe
        sets = [(item, clip) for item in recipe.frames for clip in self._read(item)]
        if not any(clip.frames for _, clip in sets):
            raise ConfigError(f'{recipe.name}: frames: there is no image; name a set of images')
        if recipe.train.detector and not any(item.detect for item in recipe.frames):
            raise ConfigError(f'{recipe.name}: frames: detect is false for each set, so that the '
                              'detector has nothing to learn; set train.detector to false')
        teachers = None
        if recipe.teachers and recipe.train.appearance:
            paths = [locate(self.root, path) for path in recipe.teachers]
            teachers = Teachers(paths, self.cache, self._progress)
            self.teacher_dim = teachers.dim
        pool = CropPool()
        first = self._add_markets(pool, teachers) if recipe.train.appearance else 0
        clips = []
        for item, clip in sets:
            numbers, first = number_identities(clip, first) if item.identities else ({}, first)
            vectors = teachers.of_clip(clip) if teachers and item.appearance else None
            clips.append(TrainingClip(clip, numbers, vectors, item.detect, item.appearance))
            if item.appearance and recipe.train.appearance and _needs_crops(recipe):
                pool.add_clip(clip, numbers, vectors)
        self.num_identities = first
        if recipe.train.appearance and not first and teachers is None:
            raise ConfigError(
                f"{recipe.name}: nobody's identity is known, so that appearance cannot be learnt; "
                'add crops, sequences with ids or teachers, or set train.appearance to false')
        if teachers and recipe.restyled:
            pool.add_restyled(recipe.restyled, recipe.data.seed, list(pool.unknown),
                              teachers.of_images)
        self._dataset = self._crops_only(pool) if recipe.data.crops else self._frames(clips, pool)
        self._schedule = StepSchedule(
            [clip for _, clip in sets], [item.repeat for item, _ in sets], recipe.data,
            recipe.train.steps * recipe.train.accumulate)

    def _frames(self, clips: Sequence[TrainingClip], pool: CropPool) -> TrainingDataset:
        recipe, composer = self.recipe, None
        if recipe.train.appearance and recipe.data.composed_frames:
            composer = self._composer(clips, pool)
        return TrainingDataset(clips, composer, pool, recipe.data, recipe.augment,
                               self.teacher_dim)

    def _crops_only(self, pool: CropPool) -> CropDataset:
        recipe = self.recipe
        if recipe.train.detector or not recipe.train.appearance:
            raise ConfigError(f'{recipe.name}: data.crops: a step holds crops alone, which teach '
                              'no detector; set train.detector to false, train.appearance to true')
        return CropDataset(pool, self._crop_size, recipe.data, recipe.compose, recipe.augment,
                           self.teacher_dim)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of training batches, from the trainer's present step on."""
        self.setup()
        assert self._dataset is not None and self._schedule is not None
        if self.trainer is not None:
            self._schedule.start = self.trainer.global_step * self.recipe.train.accumulate
            self._schedule.share(self.trainer.global_rank, self.trainer.world_size)
        workers = self.recipe.data.num_workers
        return DataLoader(
            self._dataset, batch_size=None, sampler=self._schedule, num_workers=workers,
            collate_fn=_as_is, worker_init_fn=_single_thread)

    @property
    def skipped(self) -> int:
        """Return how often an image could not be read so far."""
        frames = 0
        if isinstance(self._dataset, TrainingDataset):
            frames = int(self._dataset.skipped)
        return self._damaged_crops + frames

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint says of the data: the recipe, and the code that reads it."""
        return {'recipe': self.recipe.as_dict(), 'revision': revision()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Say which values of the recipe have changed since the checkpoint."""
        changed = differences(state['recipe'], self.recipe.as_dict())
        if changed:
            self._progress(f'the recipe differs from the one that began: {", ".join(changed)}')

    def _read(self, item: FrameSet) -> Sequence[Clip]:
        clips = read_clips(item.format, locate(self.root, item.path), **item.options)
        if item.complete:
            return clips
        if len(self.recipe.labellers) < 2:
            raise ConfigError(f'frames: {item.path} is not complete; name two labellers that '
                              'find the people whom its labels leave out')
        labellers = [(locate(self.root, item.path), item.sure) for item in self.recipe.labellers]
        labels = PseudoLabels(labellers, self.cache, self._progress)
        return [labels.complete(clip) for clip in clips]

    def _add_markets(self, pool: CropPool, teachers: Teachers | None) -> int:
        first = 0
        for item in self.recipe.crops:
            market = Market1501(locate(self.root, item.path))
            indices = list(range(len(market)))
            if item.leave_out + item.validate:
                indices = market.split(item.leave_out + item.validate)[0].tolist()
            indices = self._readable(market, indices)
            vectors = teachers.of_crops(market, indices) if teachers else None
            first = pool.add_market(market, indices, first, vectors)
        return first

    def _readable(self, market: Market1501, indices: list[int]) -> list[int]:
        """Leave damaged crops out, and count them."""
        readable = []
        for index in indices:
            try:
                market.image(index)
            except SourceError as error:
                self._damaged_crops += 1
                self._progress(f'skipped: {error}')
                continue
            readable.append(index)
        if not readable:
            raise SourceError(f'{market.path}: none of its crops can be read; fetch it again')
        return readable

    def _composer(self, clips: Sequence[TrainingClip], pool: CropPool) -> VirtualVideoComposer:
        """Compose in front of the real training frames; people in them count for nothing there."""
        places = [(number, place) for number, mine in enumerate(clips)
                  for place in range(len(mine.clip.frames))]

        def background(index: int) -> np.ndarray:
            assert isinstance(self._dataset, TrainingDataset)
            number, place = places[index]
            return self._dataset.read(number, place)[0]

        side = self.recipe.data.input_size
        return VirtualVideoComposer(
            pool.known, pool.read, len(places), background, (side, side), self.recipe.compose,
            self.recipe.augment, pool.unknown)


def number_identities(clip: Clip, first: int) -> tuple[dict[int, int], int]:
    """
    Give the people of a clip numbers; the same id in two clips means two people.

    :param clip: the clip; people who are only ever ignored get no number.
    :param first: the first free number.
    :return: the clip's ids mapped to numbers, and the next free number.
    """
    known = sorted({int(person) for frame in clip.frames
                    for person in frame.ids[~frame.ignore] if person >= 0})
    return {person: first + place for place, person in enumerate(known)}, first + len(known)


def _needs_crops(recipe: Recipe) -> bool:
    return bool(recipe.data.composed_frames or recipe.data.crops)


def _as_is(batch: Any) -> Any:
    return batch


def _single_thread(worker: int) -> None:
    """Keep OpenCV of a worker process to one thread: workers are what runs in parallel."""
    cv2.setNumThreads(0)
