# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Training batches: real frames with boxes beside composed frames with many identities.

One step trains on the frames of one sampler batch (a video, or still images) followed by the
frames of one virtual video. A step is a function of seed and step number alone, so that training
resumes at any epoch and does not depend on the number of worker processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import ConfigError
from finetrack_ros.training.augment import AugmentConfig, pad, photometric, random_view, View
from finetrack_ros.training.compose import ComposeConfig, ComposedFrame, VirtualVideoComposer
from finetrack_ros.training.samplers import (
    BatchSampler,
    RandomFrameSampler,
    SequentialSampler,
    ShuffleGroupSampler,
)
from finetrack_ros.training.splits import load_splits

SAMPLERS = ('shuffle_group', 'random', 'sequential')
# A box cut or shrunk to less than this is neither an example of a person nor of background.
MIN_VISIBLE = 0.3
MIN_HEIGHT = 10.0
MIN_WIDTH = 3.0
# Below this fraction a person's parts are too few to tell who it is.
MIN_VISIBLE_FOR_IDENTITY = 0.6


class Targets(NamedTuple):
    """
    The people of one frame.

    ``boxes`` float32 [N, 4] xyxy in pixels of the input; ``ids`` int64 [N], identity numbers from
    0, or -1 where unknown; ``ignore`` bool [N], true for people to leave out of every loss;
    ``detect`` is false where the detection loss does not apply (composed frames).
    """

    boxes: torch.Tensor
    ids: torch.Tensor
    ignore: torch.Tensor
    detect: bool


class Batch(NamedTuple):
    """``images`` uint8 [B, 3, H, W], BGR 0-255, padded with 114; ``targets``, one per image."""

    images: torch.Tensor
    targets: list[Targets]


@dataclass(frozen=True)
class DataConfig:
    """
    What a training step sees.

    ``root``: the data folder; ``splits``: YAML file of the split, None for the one shipped.
    ``input_size``: height and width in pixels, multiples of 32. ``real_frames`` and
    ``composed_frames``: frames of each kind per step. ``sampler``: shuffle_group, random or
    sequential. ``group_size``: frames per group. ``frame_stride``: a video is sampled as this many
    interleaved videos, each of every n-th frame, so that the frames of a group differ; 1 keeps
    videos whole. ``steps_per_epoch``: None means one pass over all real frames.
    """

    root: Path
    splits: Path | None = None
    input_size: tuple[int, int] = (640, 640)
    real_frames: int = 3
    composed_frames: int = 4
    sampler: str = 'shuffle_group'
    group_size: int = 3
    frame_stride: int = 4
    steps_per_epoch: int | None = 200
    seed: int = 0
    num_workers: int = 1
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    compose: ComposeConfig = field(default_factory=ComposeConfig)

    def __post_init__(self) -> None:
        """Check the values that nothing below checks."""
        if any(side < 32 or side % 32 for side in self.input_size):
            raise ConfigError(f'input_size = {self.input_size}: give multiples of 32')
        if self.sampler not in SAMPLERS:
            raise ConfigError(f'sampler = {self.sampler!r}: choose one of {", ".join(SAMPLERS)}')
        for name, minimum in (('real_frames', 1), ('composed_frames', 0), ('frame_stride', 1),
                              ('num_workers', 0), ('steps_per_epoch', 1)):
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise ConfigError(f'{name} = {value}: must be at least {minimum}')


class Step(NamedTuple):
    """What one batch is made of: real frames as (clip, frame), and the seed of its randomness."""

    frames: list[tuple[int, int]]
    seed: tuple[int, ...]


class StepSchedule(Sampler[Step]):
    """
    The steps of each epoch: sampler batches, one pass after the other, cut into epochs.

    :param clips: the clips that steps refer to
    :param config: sampler, sizes, seed and length of an epoch
    """

    def __init__(self, clips: tuple[Clip, ...], config: DataConfig) -> None:
        self._config = config
        self._clips = clips
        # A sampler video is one of a clip's interleaved videos: its clip and frame positions.
        self._videos = [
            (number, np.arange(start, len(clip.frames), stride))
            for number, clip in enumerate(clips)
            for stride in [config.frame_stride if clip.is_video else 1]
            for start in range(min(stride, len(clip.frames)))
        ]
        self.sampler = _make_sampler([len(frames) for _, frames in self._videos], config)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        return self._config.steps_per_epoch or len(self.sampler)

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps of the chosen epoch."""
        first = self.epoch * len(self)
        batches: list[list[tuple[int, int]]] = []
        current = -1
        for number in range(first, first + len(self)):
            turn, position = divmod(number, len(self.sampler))
            if turn != current:
                batches, current = self._pass(turn), turn
            yield Step(batches[position], (self._config.seed, number))

    def _pass(self, turn: int) -> list[list[tuple[int, int]]]:
        """Return the batches of one pass; still images, having no order, are regrouped in each."""
        orders = []
        for number, frames in self._videos:
            rng = np.random.default_rng((self._config.seed, turn, number))
            orders.append(frames if self._clips[number].is_video else rng.permutation(frames))
        return [[(self._videos[video][0], int(orders[video][frame])) for video, frame in batch]
                for batch in self.sampler.batches(turn)]


class TrainingDataset(Dataset[Batch]):
    """
    Makes the batch of a step: reads, augments and composes its frames.

    :param clips: real frames
    :param identities: for each clip, its own ids mapped to identity numbers
    :param composer: composes virtual videos; None where steps hold real frames alone
    :param config: see ``DataConfig``
    """

    def __init__(self, clips: tuple[Clip, ...], identities: tuple[dict[int, int], ...],
                 composer: VirtualVideoComposer | None, config: DataConfig) -> None:
        self._clips = clips
        self._identities = identities
        self._composer = composer
        self._config = config

    def __getitem__(self, step: Step) -> Batch:
        """Return the batch of a step: its real frames, then the composed ones."""
        rng = np.random.default_rng(step.seed)
        frames = [self._real_frame(clip, frame, rng) for clip, frame in step.frames]
        if self._composer is not None:
            composed = self._composer.compose(self._config.composed_frames, rng)
            frames.extend(_composed_targets(frame) for frame in composed)
        images = np.stack([image for image, _ in frames]).transpose(0, 3, 1, 2)
        return Batch(torch.from_numpy(np.ascontiguousarray(images)),
                     [targets for _, targets in frames])

    def _real_frame(self, clip: int, frame: int,
                    rng: np.random.Generator) -> tuple[np.ndarray, Targets]:
        annotated = self._clips[clip].frames[frame]
        config = self._config
        view = random_view(annotated.read(), annotated.boxes, config.input_size, rng,
                           config.augment)
        image = pad(photometric(view.image, rng, config.augment), config.input_size)
        return image, _real_targets(annotated, view, self._identities[clip])


class FineTrackData(L.LightningDataModule):
    """
    Training data of FineTrack as configured.

    :param config: see ``DataConfig``
    :raises ConfigError: when a setting is out of range
    :raises SourceError: on ``setup``, when data is missing or malformed
    """

    def __init__(self, config: DataConfig) -> None:
        super().__init__()
        self.config = config
        self._dataset: TrainingDataset | None = None
        self._schedule: StepSchedule | None = None
        self._num_identities = 0

    @property
    def num_identities(self) -> int:
        """Number of identities in training, known after ``setup``."""
        return self._num_identities

    def setup(self, stage: str | None = None) -> None:
        """Read all annotations and the identity crops; does nothing when called again."""
        if self._dataset is not None:
            return
        config = self.config
        splits = load_splits(config.splits)
        clips = splits.train.read(config.root)
        market = Market1501(config.root / splits.identities.path)
        trained, _ = market.split(splits.identities.evaluate_last)
        crops = group_crops(market, trained)
        identities, self._num_identities = number_identities(clips, first=len(crops))
        composer = None
        if config.composed_frames:
            composer = _make_composer(clips, crops, market, config)
        self._dataset = TrainingDataset(clips, identities, composer, config)
        self._schedule = StepSchedule(clips, config)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of training batches; set its epoch by ``loader.sampler.set_epoch``."""
        self.setup()
        assert self._dataset is not None and self._schedule is not None
        if self.trainer is not None:
            # Lightning starts to iterate before it tells the epoch, which matters on resuming.
            progress = self.trainer.fit_loop.epoch_progress.current
            self._schedule.set_epoch(progress.processed)  # type: ignore[attr-defined]
        return DataLoader(
            self._dataset, batch_size=None, sampler=self._schedule,
            num_workers=self.config.num_workers, collate_fn=_as_is,
            worker_init_fn=_single_thread, persistent_workers=self.config.num_workers > 0,
        )


def group_crops(market: Market1501,
                indices: np.ndarray) -> dict[int, list[tuple[int, int]]]:
    """Return for each identity number, from 0, its crops as (crop index, camera) pairs."""
    known = sorted({market.samples[index].identity for index in indices})
    number_of = {identity: number for number, identity in enumerate(known)}
    crops: dict[int, list[tuple[int, int]]] = {number: [] for number in range(len(known))}
    for index in indices:
        sample = market.samples[index]
        crops[number_of[sample.identity]].append((int(index), sample.camera))
    return crops


def number_identities(clips: tuple[Clip, ...],
                      first: int) -> tuple[tuple[dict[int, int], ...], int]:
    """
    Give the people of all clips numbers; the same id in two clips means two people.

    :param clips: the clips; people who are only ever ignored get no number
    :param first: the first free number
    :return: for each clip its ids mapped to numbers, and the next free number
    """
    numbered = []
    for clip in clips:
        known = sorted({int(person) for frame in clip.frames
                        for person in frame.ids[~frame.ignore] if person >= 0})
        numbered.append({person: first + place for place, person in enumerate(known)})
        first += len(known)
    return tuple(numbered), first


def _real_targets(frame: AnnotatedFrame, view: View, numbers: dict[int, int]) -> Targets:
    """Return the targets of a real frame as seen after its cut, without those cut away."""
    left = view.visible > 0
    sizes = view.boxes[left, 2:] - view.boxes[left, :2]
    ignore = (frame.ignore[left] | (view.visible[left] < MIN_VISIBLE)
              | (sizes[:, 0] < MIN_WIDTH) | (sizes[:, 1] < MIN_HEIGHT))
    ids = np.array([numbers.get(int(person), -1) for person in frame.ids[left]], np.int64)
    ids[ignore | (view.visible[left] < MIN_VISIBLE_FOR_IDENTITY)] = -1
    return Targets(torch.from_numpy(view.boxes[left]), torch.from_numpy(ids),
                   torch.from_numpy(ignore), detect=True)


def _composed_targets(frame: ComposedFrame) -> tuple[np.ndarray, Targets]:
    ignore = torch.zeros(len(frame.ids), dtype=torch.bool)
    return frame.image, Targets(torch.from_numpy(frame.boxes), torch.from_numpy(frame.ids),
                                ignore, detect=False)


def _make_composer(clips: tuple[Clip, ...], crops: dict[int, list[tuple[int, int]]],
                   market: Market1501, config: DataConfig) -> VirtualVideoComposer:
    """Compose in front of the real training frames; people in them count for nothing there."""
    frames = [frame for clip in clips for frame in clip.frames]
    return VirtualVideoComposer(crops, market.image, len(frames),
                                lambda index: frames[index].read(half=True), config.input_size,
                                config.compose, config.augment)


def _make_sampler(lengths: list[int], config: DataConfig) -> BatchSampler:
    if config.sampler == 'shuffle_group':
        return ShuffleGroupSampler(lengths, config.group_size, config.real_frames, config.seed)
    kinds = {'random': RandomFrameSampler, 'sequential': SequentialSampler}
    return kinds[config.sampler](lengths, config.real_frames, config.seed)


def _as_is(batch: Any) -> Any:
    return batch


def _single_thread(worker: int) -> None:
    """Keep OpenCV of a worker process to one thread: workers are what runs in parallel."""
    cv2.setNumThreads(0)
