# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Crops of people that embeddings are measured on, and retrieval among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets import AnnotatedFrame, Market1501, read_clips
from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.ground_truth import read_sequence
from finetrack_ros.evaluation.reid import ReidScores, Retrieval, retrieve, unit_rows
from finetrack_ros.inference.preprocessing import crop_targets, PAD_VALUE
from finetrack_ros.protocols import Image
from finetrack_ros.tracking.scene import SceneMean

Vectors = NDArray[np.float32]
BoxEmbedder = Callable[[Image, NDArray[np.float32]], Vectors]
"""Gives the vectors [N, D] of the boxes [N, 4], xyxy, of a BGR image, uint8 [H, W, 3]."""

CropEmbedder = Callable[[Sequence[Image]], Vectors]
"""Gives the vectors [N, D] of N crops of people, BGR uint8 [H, W, 3]."""

MARKET = 'Market-1501 (last 100 ids)'
MARKET_TAR = Path('reid/market1501_train.tar')
MARKET_IDENTITIES = 100
MIN_GAP = 25
MIN_VISIBILITY = 0.4
MIN_HEIGHT = 60

_CANVAS = 640
_MARGIN = 48


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


def find_again(similarity: NDArray[np.float32], crops: SequenceCrops) -> Retrieval:
    """
    Search for each crop among all crops that are at least 25 frames before or after it.

    :param similarity: float32 [N, N] of all pairs of crops.
    :raises ValueError: where nobody is seen again after 25 frames.
    """
    same = crops.ids[:, None] == crops.ids
    return retrieve(similarity, same, np.abs(crops.frames[:, None] - crops.frames) >= MIN_GAP)


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
    return find_again(scene_cosines(vectors) if from_scene else cosines(vectors), crops).scores


def find_across_cameras(embedder: CropEmbedder, market: Market1501,
                        identities: int = MARKET_IDENTITIES) -> Retrieval:
    """
    Search for the last identities of Market-1501 by its protocol (Zheng et al., ICCV 2015).

    Every crop is a query once, and all others are its gallery; images of the query's identity
    from its own camera, itself included, are removed.
    """
    chosen = market.split(identities)[1]
    ids = np.array([market.samples[i].identity for i in chosen])
    cameras = np.array([market.samples[i].camera for i in chosen])
    vectors = unit_rows(embedder([market.image(i) for i in chosen]))
    same = ids[:, None] == ids
    return retrieve(cosines(vectors), same, ~(same & (cameras[:, None] == cameras)))


def on_boxes(embedder: CropEmbedder, size: tuple[int, int] = (256, 128)) -> BoxEmbedder:
    """Let a network that takes crops of a size (rows, columns) embed the boxes of an image."""
    return lambda image, boxes: embedder(list(crop_targets(image, boxes, size)))


def on_canvases(embedder: BoxEmbedder) -> CropEmbedder:
    """
    Let a model that sees whole frames embed crops: small in a frame, with others around.

    Crops of one size up to 592 pixels a side are set side by side on grey canvases of 640 x 640,
    at their own resolution, in an order shuffled with a fixed seed: side by side in the data
    set's order, an identity's neighbours would be itself, which the detector's receptive field
    would see.
    """
    def embed(crops: Sequence[Image]) -> Vectors:
        order = np.random.default_rng(0).permutation(len(crops))
        height, width = crops[0].shape[:2]
        lefts = np.arange(_MARGIN // 2, _CANVAS - width, width + _MARGIN)
        tops = np.arange(_MARGIN // 2, _CANVAS - height, height + _MARGIN)
        corners = [(left, top) for top in tops for left in lefts]
        vectors = []
        for start in range(0, len(order), len(corners)):
            chosen = order[start:start + len(corners)]
            canvas = np.full((_CANVAS, _CANVAS, 3), PAD_VALUE, np.uint8)
            boxes = np.array([(left, top, left + width, top + height)
                              for left, top in corners[:len(chosen)]], np.float32)
            for index, (left, top) in zip(chosen, corners, strict=False):
                canvas[top:top + height, left:left + width] = crops[index]
            vectors.append(embedder(canvas, boxes))
        return np.concatenate(vectors)[np.argsort(order)]
    return embed
