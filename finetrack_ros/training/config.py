# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every number of a training: what a step sees, and how it is optimised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from finetrack_ros.errors import ConfigError

SAMPLERS = ('shuffle_group', 'random', 'sequential')
STAGES = ('stem', 'dark2', 'dark3', 'dark4', 'dark5')
# Two people in four views each: fewer have nothing to be told apart by.
LEAST_CROPS = 8
PRECISIONS = ('32-true', 'bf16-mixed', '16-mixed')


def require_least(config: Any, minima: dict[str, float]) -> None:
    """Raise ConfigError where a field of a dataclass is less than it may be."""
    for name, least in minima.items():
        if not getattr(config, name) >= least:
            raise ConfigError(f'{name} = {getattr(config, name)}: must be at least {least}')


def require_probabilities(config: Any, *names: str) -> None:
    """Raise ConfigError where a field of a dataclass is not in 0..1."""
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f'{name} = {getattr(config, name)}: must be in 0..1')


def require_range(config: Any, name: str, least: float) -> None:
    """Raise ConfigError where a field of a dataclass is no (low, high) from ``least`` on."""
    low, high = getattr(config, name)
    if not least <= low <= high:
        raise ConfigError(f'{name} = {low, high}: give a range that starts at {least} or above')


@dataclass(frozen=True)
class DataConfig:
    """
    What a training step sees.

    ``input_size``: side of the square frames in pixels, a multiple of 32. ``real_frames`` and
    ``composed_frames``: frames of each kind per step. ``sampler``: shuffle_group, random or
    sequential. ``group_size``: frames per group. ``frame_stride``: a video is sampled as this many
    interleaved videos, each of every n-th frame, so that the frames of a group differ; 1 keeps
    videos whole. ``box_jitter``: largest shift of a region's edges, in fractions of its size;
    every fifth region gets ``wrong_box`` instead, as detectors' boxes are no true ones. ``seed``:
    of all that is random. ``num_workers``: processes that prepare batches, for each that trains.
    """

    input_size: int = 640
    real_frames: int = 3
    composed_frames: int = 4
    sampler: str = 'shuffle_group'
    group_size: int = 3
    frame_stride: int = 4
    box_jitter: float = 0.06
    wrong_box: float = 0.2
    crops: int = 0
    seed: int = 0
    num_workers: int = 1

    def __post_init__(self) -> None:
        """Check the values that nothing below checks."""
        if self.input_size < 32 or self.input_size % 32:
            raise ConfigError(f'input_size = {self.input_size}: give a multiple of 32')
        if self.sampler not in SAMPLERS:
            raise ConfigError(f'sampler = {self.sampler!r}: choose one of {", ".join(SAMPLERS)}')
        require_least(self, {'real_frames': 1, 'composed_frames': 0, 'group_size': 1,
                             'frame_stride': 1, 'num_workers': 0, 'seed': 0})
        if self.crops and self.crops < LEAST_CROPS:
            raise ConfigError(f'crops = {self.crops}: must be 0, or at least {LEAST_CROPS}')
        # Edges that move by half a side may meet.
        for name in ('box_jitter', 'wrong_box'):
            if not 0 <= getattr(self, name) < 0.5:
                raise ConfigError(f'{name} = {getattr(self, name)}: must be in 0..0.5')


@dataclass(frozen=True)
class LossWeights:
    """
    Weight of each loss in the sum; 0 leaves it out.

    Detection: ``iou``, ``objectness``, ``class_``; ``hold``, of staying with the detector that
    the training began from. Identity: ``identity`` (cross-entropy), ``triplet``. ``diversity``
    of a target's parts. Teachers: ``mimic``, their vectors; ``relation``, their similarities;
    ``ranking``, whom they find most alike.
    """

    iou: float = 5.0
    objectness: float = 1.0
    class_: float = 1.0
    hold: float = 1.0
    identity: float = 1.0
    triplet: float = 1.0
    diversity: float = 1.0
    mimic: float = 2.0
    relation: float = 10.0
    ranking: float = 1.0

    def __post_init__(self) -> None:
        """Check that no loss is sought rather than avoided."""
        require_least(self, dict.fromkeys(asdict(self), 0))


@dataclass(frozen=True)
class TrainConfig:
    """
    How a training is optimised.

    ``detector`` and ``appearance``: the parts that learn; a part that does not keeps its weights.
    ``steps`` of the optimiser in all, each over ``accumulate`` batches; ``learning_rate`` of
    FAFPN, embedder and classifier; ``detector_learning_rate`` of the pretrained detector;
    ``warmup`` steps; ``final_fraction`` of the rates at the end of the cosine; ``average``: decay
    of the moving average of the weights, which is what is written at the end.
    ``detector_sizes``: the network's input is a random one of these sides, smaller than the frames
    that crops are cut from, as on a camera. ``frozen``: backbone stages that keep their pretrained
    weights, the first ones being the dearest to train and the most general. ``keep``: share of the
    pretrained detector in the written one (Wortsman et al., "Robust fine-tuning of zero-shot
    models", arXiv 2109.01903). ``precision``: Lightning's 32-true, bf16-mixed or 16-mixed.
    ``checkpoint_steps``: steps from one checkpoint to the next.
    """

    detector: bool = True
    appearance: bool = True
    steps: int = 2400
    accumulate: int = 1
    learning_rate: float = 1e-3
    detector_learning_rate: float = 5e-5
    weight_decay: float = 1e-3
    warmup: int = 200
    final_fraction: float = 0.02
    average: float = 0.998
    detector_sizes: tuple[int, ...] = (320, 352, 384, 416, 448, 480)
    frozen: tuple[str, ...] = ('stem', 'dark2')
    keep: float = 0.0
    precision: str = '32-true'
    checkpoint_steps: int = 200
    loss: LossWeights = LossWeights()

    def __post_init__(self) -> None:
        """Check the values that nothing below checks."""
        require_least(self, {'steps': 1, 'accumulate': 1, 'checkpoint_steps': 1, 'warmup': 0,
                             'learning_rate': 0, 'detector_learning_rate': 0, 'weight_decay': 0})
        require_probabilities(self, 'final_fraction')
        for name in ('keep', 'average'):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f'{name} = {getattr(self, name)}: must be in 0..1, less than 1')
        for stage in self.frozen:
            if stage not in STAGES:
                raise ConfigError(f"frozen: there is no stage '{stage}'; choose of "
                                  f'{", ".join(STAGES)}')
        if self.precision not in PRECISIONS:
            raise ConfigError(f"precision = '{self.precision}': choose one of "
                              f'{", ".join(PRECISIONS)}')
        if not self.detector and not self.appearance:
            raise ConfigError('detector and appearance are both false: nothing would be trained')
        if any(side < 32 or side % 32 for side in self.detector_sizes) or not self.detector_sizes:
            raise ConfigError(f'detector_sizes = {self.detector_sizes}: give multiples of 32')
