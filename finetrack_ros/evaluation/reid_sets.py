# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Crops of people that embeddings are measured on, and retrieval among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets import AnnotatedFrame, read_clips
from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.evaluation.ground_truth import read_sequence
from finetrack_ros.evaluation.reid import ReidScores, score_pairs, unit_rows
from finetrack_ros.tracking.scene import SceneMean

Image = NDArray[np.uint8]
Vectors = NDArray[np.float32]
BoxEmbedder = Callable[[Image, NDArray[np.float32]], Vectors]
"""Gives the vectors [N, D] of the boxes [N, 4], xyxy, of a BGR image, uint8 [H, W, 3]."""

MIN_GAP = 25
MIN_VISIBILITY = 0.4
MIN_HEIGHT = 60


@dataclass(frozen=True)
class ReidSet:
    """
    A sequence whose people are told apart.

    :ivar path: of the sequence, relative to the data folder.
    :ivar frames: part of it, as ``frame_range`` reads it; None takes all.
    :ivar step: of its frames, every so many-th is taken.
    """

    path: str
    frames: str | None
    step: int


# Neighbouring crops of a person are as good as equal: every 12th of 30 frames a second, and so
# that the short sequences keep about a hundred crops.
REID_SETS = {
    'MOT16-09 (second half)': ReidSet('mot/MOT16-09', 'second-half', 12),
    'TUD-Campus': ReidSet('mot/TUD-Campus', None, 4),
    'KITTI-17': ReidSet('mot/KITTI-17', None, 5),
    'ETH-Sunnyday': ReidSet('mot/ETH-Sunnyday', None, 6),
}


@dataclass(frozen=True)
class SequenceCrops:
    """
    People of one sequence, and where they are seen.

    :ivar images: the frames that show any of them, by number, without boxes of others.
    :ivar frames: int64 [N], the number of each crop's frame, rising.
    :ivar ids: int64 [N].
    """

    images: dict[int, AnnotatedFrame]
    frames: NDArray[np.int64]
    ids: NDArray[np.int64]

    def embed(self, embedder: BoxEmbedder) -> Vectors:
        """Return unit vectors, float32 [N, D], of all crops, each seen in its whole frame."""
        return unit_rows(np.concatenate([
            embedder(frame.read(), frame.boxes) for frame in self.images.values()]))


def read_crops(folder: Path, frames: str | None = None, step: int = 1) -> SequenceCrops:
    """
    Find the people of a MOTChallenge sequence who can be told apart.

    Taken are scored boxes of visibility above 0.4 (where the ground truth tells it) and of at
    least 60 pixels' height.

    :param frames: part of the sequence, as ``frame_range`` reads it; None takes all.
    :param step: frames whose number is a multiple of it are taken.
    :raises SourceError: where images or ground truth are missing, or nobody is there.
    """
    truth = (sequence := read_sequence(folder)).truth
    first, _ = frame_range(frames, sequence.length)
    clip = read_clips('mot', folder, frames=frames)[0]
    taken = truth.scored & (truth.visibility > MIN_VISIBILITY)
    taken &= truth.boxes[:, 3] - truth.boxes[:, 1] >= MIN_HEIGHT
    images, numbers, ids = {}, [], []
    for number, frame in enumerate(clip.frames, first):
        here = taken & (truth.frames == number)
        if number % step or not here.any():
            continue
        images[number] = AnnotatedFrame(frame.path, truth.boxes[here].astype(np.float32),
                                        truth.ids[here], np.zeros(here.sum(), bool))
        numbers.extend([number] * int(here.sum()))
        ids.extend(truth.ids[here])
    if not images:
        raise SourceError(f"'{folder}' shows nobody well enough in the frames chosen. Choose a "
                          'longer part of it, or a smaller step.')
    return SequenceCrops(images, np.array(numbers), np.array(ids))


@dataclass(frozen=True)
class Retrieval:
    """
    How well crops of one sequence find each other.

    :ivar scores: of the retrieval.
    :ivar same: float32 [P], similarities of all pairs of one person that were compared.
    :ivar other: float32 [P], of all pairs of two people.
    """

    scores: ReidScores
    same: NDArray[np.float32]
    other: NDArray[np.float32]


def retrieve(similarity: NDArray[np.float32], crops: SequenceCrops) -> Retrieval:
    """
    Search for each crop among all crops that are at least 25 frames before or after it.

    :param similarity: float32 [N, N] of all pairs of crops.
    :raises ValueError: where nobody is seen again after 25 frames.
    """
    same = crops.ids[:, None] == crops.ids
    apart = np.abs(crops.frames[:, None] - crops.frames) >= MIN_GAP
    once = np.triu(apart)
    return Retrieval(score_pairs(similarity, same, apart), similarity[once & same],
                     similarity[once & ~same])


def cosines(vectors: Vectors) -> NDArray[np.float32]:
    """Return the cosine of every pair of unit vectors [N, D], float32 [N, N]."""
    return vectors @ vectors.T


def scene_cosines(vectors: Vectors) -> NDArray[np.float32]:
    """Return cosines as seen from the mean of unit vectors [N, D], as the tracker compares."""
    scene = SceneMean(vectors.shape[1], window=len(vectors))
    scene.learn(vectors)
    return scene.cosines(vectors, vectors)


def reid_on_sequence(embed: BoxEmbedder, folder: Path, frames: str | None = None,
                     step: int = 5, from_scene: bool = False) -> ReidScores:
    """
    Return retrieval scores on the people of one sequence, each 0..1.

    :param embed: gives the vectors of boxes in an image, of any length.
    :param folder: of a MOTChallenge sequence with ground truth.
    :param frames: part of it, as ``frame_range`` reads it; None takes all.
    :param step: frames whose number is a multiple of it are taken.
    :param from_scene: compare from the mean of all vectors, as the tracker does.
    :raises SourceError: where images or ground truth are missing.
    :raises ValueError: where nobody is seen again after 25 frames.
    """
    crops = read_crops(folder, frames, step)
    vectors = crops.embed(embed)
    return retrieve(scene_cosines(vectors) if from_scene else cosines(vectors), crops).scores


def chosen_reid_set(name: str) -> ReidSet:
    """Return the set of this name; raises ConfigError where there is none."""
    if name not in REID_SETS:
        raise ConfigError(f"Re-identification set '{name}' is unknown. Choose one of "
                          f'{", ".join(REID_SETS)}.')
    return REID_SETS[name]
