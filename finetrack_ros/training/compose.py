# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Virtual videos: identity crops (Market-1501) composed into frames.

A virtual video shows the same people in each of its frames, each time by another crop, at another
place and size and before another background. A batch of its frames therefore holds several views
of each identity, which the batch-hard triplet loss needs and crops alone, without frames, cannot
offer to a network that looks at whole images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from finetrack_ros.errors import ConfigError
from finetrack_ros.geometry import resizable
from finetrack_ros.training.augment import AugmentConfig, photometric
from finetrack_ros.training.config import require_least, require_probabilities, require_range

ReadImage = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class ComposeConfig:
    """
    How virtual videos look.

    ``people``: fewest and most identities in a video. ``height``: range of a person's height in
    pixels of the input, drawn log-uniformly. ``max_overlap``: largest share of the smaller of two
    people that they may have in common. ``aspect``: largest relative change of width to height.
    ``rotation``: largest angle in degrees. ``gain``: largest relative change of a colour channel.
    ``unknown``: share of people without a known identity, where there are such.

    Probabilities: ``erase``, that something hides a part of a person; ``truncate``, that the
    picture's edge or a short box cuts a part off; ``coarse``, that a person has few pixels.
    """

    people: tuple[int, int] = (16, 22)
    height: tuple[float, float] = (40.0, 240.0)
    max_overlap: float = 0.25
    aspect: float = 0.15
    rotation: float = 5.0
    gain: float = 0.12
    unknown: float = 0.3
    erase: float = 0.3
    truncate: float = 0.25
    coarse: float = 0.2

    def __post_init__(self) -> None:
        """Check the ranges that placing depends on, and the probabilities."""
        require_range(self, 'people', 1)
        require_range(self, 'height', 4)
        require_least(self, {'aspect': 0, 'rotation': 0, 'gain': 0})
        require_probabilities(self, 'max_overlap', 'unknown', 'erase', 'truncate', 'coarse')


@dataclass(frozen=True)
class ComposedFrame:
    """
    One frame.

    ``image`` uint8 [H, W, 3]; ``boxes`` float32 [N, 4] xyxy; ``ids`` int64 [N], -1 where unknown;
    ``crops`` int64 [N], the crop that each person was made from.
    """

    image: np.ndarray
    boxes: np.ndarray
    ids: np.ndarray
    crops: np.ndarray


class VirtualVideoComposer:
    """
    Composes virtual videos from crops of known identity.

    :param crops: for each identity its crops, as (crop index, camera) pairs
    :param read_crop: returns the BGR crop of an index, uint8 [h, w, 3]
    :param backgrounds: number of background images
    :param read_background: returns the BGR background of an index, uint8 [h, w, 3]
    :param input_size: height and width of the frames in pixels
    :param config: see ``ComposeConfig``
    :param augment: augmentations of background and whole frame
    :param unknown: indices of crops of people whose identity is not known
    :raises ConfigError: when there are fewer identities than a video shows, or no background
    """

    def __init__(
        self,
        crops: Mapping[int, Sequence[tuple[int, int]]],
        read_crop: ReadImage,
        backgrounds: int,
        read_background: ReadImage,
        input_size: tuple[int, int],
        config: ComposeConfig,
        augment: AugmentConfig,
        unknown: Sequence[int] = (),
    ) -> None:
        needed = config.people[1] if not unknown else 1
        if 0 < len(crops) < needed or not len(crops) + len(unknown):
            raise ConfigError(
                f'people = {config.people}: only {len(crops)} identities are there to compose')
        if backgrounds < 1:
            raise ConfigError('backgrounds = 0: composing needs at least one background image')
        self._crops = crops
        self._identities = np.array(sorted(crops))
        self._read_crop = read_crop
        self._backgrounds = backgrounds
        self._read_background = read_background
        self._input_size = input_size
        self._config = config
        self._augment = augment
        self._unknown = np.array(unknown, np.int64)

    def compose(self, frames: int, rng: np.random.Generator) -> list[ComposedFrame]:
        """
        Compose one virtual video.

        A person for whom a frame has no room left is missing there.

        :param frames: number of frames
        :param rng: the video is a function of its state
        :return: the frames
        """
        people = int(rng.integers(self._config.people[0], self._config.people[1] + 1))
        strangers = self._strangers(people)
        known = min(people - strangers, len(self._identities))
        identities = rng.choice(self._identities, known, replace=False)
        chosen = [views(self._crops[int(identity)], frames, rng) for identity in identities]
        chosen += [[int(crop)] * frames
                  for crop in rng.choice(self._unknown, strangers, replace=False)]
        numbers = np.concatenate([identities, np.full(strangers, -1)]).astype(np.int64)
        crops = np.array(chosen)
        return [self._compose_frame(numbers, crops[:, frame], rng) for frame in range(frames)]

    def _strangers(self, people: int) -> int:
        """Return how many of so many people are to be of unknown identity."""
        share = self._config.unknown if len(self._identities) else 1.0
        return min(round(people * share), len(self._unknown))

    def _compose_frame(self, identities: np.ndarray, crops: np.ndarray,
                       rng: np.random.Generator) -> ComposedFrame:
        canvas = self._make_background(rng)
        boxes, kept = place_people(len(identities), self._input_size, rng, self._config)
        crops = crops[kept]
        # Paint from back to front: who stands lower in the image is nearer to the camera.
        for place in np.argsort(boxes[:, 3]):
            crop = truncate(self._read_crop(int(crops[place])), rng, self._config)
            paste(canvas, crop, boxes[place], rng, self._config)
        image = photometric(canvas, rng, self._augment)
        return ComposedFrame(image, boxes.astype(np.float32), identities[kept].astype(np.int64),
                             crops.astype(np.int64))

    def _make_background(self, rng: np.random.Generator) -> np.ndarray:
        """Cut a random, slightly blurred view that fills the frame."""
        image = self._read_background(int(rng.integers(self._backgrounds)))
        height, width = image.shape[:2]
        part = rng.uniform(0.5, 1.0)
        aspect = self._input_size[1] / self._input_size[0]
        cut_height = max(1, int(part * min(height, width / aspect)))
        cut_width = max(1, int(cut_height * aspect))
        top = rng.integers(height - cut_height + 1)
        left = rng.integers(width - cut_width + 1)
        region = image[top:top + cut_height, left:left + cut_width]
        canvas = cv2.resize(region, self._input_size[::-1], interpolation=cv2.INTER_LINEAR)
        if rng.random() < self._augment.flip:
            canvas = cv2.flip(canvas, 1)
        return cv2.blur(canvas, (3, 3))


def views(crops: Sequence[tuple[int, int]], count: int, rng: np.random.Generator) -> list[int]:
    """
    Choose crops of one identity, cameras in turn, repeating when they run out.

    :param crops: all of the identity's, as (crop index, camera) pairs
    :param count: how many to choose
    :param rng: random generator
    """
    queues: dict[int, list[int]] = {}
    for index in rng.permutation(len(crops)):
        crop, camera = crops[index]
        queues.setdefault(camera, []).append(crop)
    longest = max(map(len, queues.values()))
    by_turn = [queue[turn] for turn in range(longest) for queue in queues.values()
               if turn < len(queue)]
    return [by_turn[number % len(by_turn)] for number in range(count)]


def place_people(count: int, input_size: tuple[int, int], rng: np.random.Generator,
                 config: ComposeConfig, tries: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """
    Place boxes of random size in a frame, the tallest first, with little overlap.

    :param count: number of people
    :param input_size: height and width of the frame
    :param rng: random generator
    :param config: sizes and largest overlap
    :param tries: random places per person before it is left out
    :return: boxes int64 [M, 4] xyxy within the frame, and who got a place, int64 [M] of 0..count-1
    """
    frame_height, frame_width = input_size
    tallest = min(config.height[1], frame_height - 1)
    heights = np.exp(rng.uniform(np.log(config.height[0]), np.log(tallest), count))
    widths = heights / 2 * np.exp(rng.uniform(-config.aspect, config.aspect, count))
    sizes = np.stack([np.minimum(widths, frame_width - 1), heights], axis=1).round().astype(int)
    boxes = np.zeros((0, 4), np.int64)
    kept = []
    for person in np.argsort(-sizes[:, 1], kind='stable'):
        width, height = sizes[person]
        corners = rng.integers(0, [frame_width - width + 1, frame_height - height + 1], (tries, 2))
        candidates = np.hstack([corners, corners + sizes[person]])
        free = np.flatnonzero(_overlap(candidates, boxes) <= config.max_overlap)
        if len(free):
            boxes = np.vstack([boxes, candidates[free[0]]])
            kept.append(person)
    return boxes, np.array(kept, np.int64)


def truncate(crop: np.ndarray, rng: np.random.Generator, config: ComposeConfig) -> np.ndarray:
    """
    Sometimes leave a part of a person out, as the picture's edge or a short box does.

    Mostly the legs go, at times the head or a side. The embedder sees every region at one size,
    so what is left fills the box.
    """
    if rng.random() >= config.truncate:
        return crop
    height, width = crop.shape[:2]
    part, side = rng.uniform(0.15, 0.5), rng.random()
    if side < 0.6:
        return crop[:max(1, round(height * (1 - part)))]
    if side < 0.7:
        return crop[min(height - 1, round(height * part / 2)):]
    cut = min(width - 1, round(width * part))
    return crop[:, cut:] if side < 0.85 else crop[:, :width - cut]


def _coarsen(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shrink a crop to the few pixels that a far person or a small camera leaves."""
    height, width = crop.shape[:2]
    rows = min(height, round(np.exp(rng.uniform(np.log(20), np.log(64)))))
    size = (max(1, round(width * rows / height)), rows)
    return cv2.resize(resizable(crop), size, interpolation=cv2.INTER_AREA)


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the largest share of the smaller box that each box [N, 4] has with any other, [N]."""
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    end = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(end - corner, 0, None).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    other_area = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return (common / np.minimum(area[:, None], other_area[None])).max(axis=1, initial=0)


def paste(canvas: np.ndarray, crop: np.ndarray, box: np.ndarray, rng: np.random.Generator,
           config: ComposeConfig) -> None:
    """Blend a crop into its box, changed at random, in place."""
    crop = resizable(crop)
    left, top, right, bottom = box
    opacity = _opacity(crop.shape[:2], rng, config)
    if rng.random() < 0.5:
        crop = cv2.flip(crop, 1)
    gains = 1 + rng.uniform(-config.gain, config.gain) + rng.uniform(-0.06, 0.06, 3)
    crop = cv2.multiply(crop, (*gains, 0))
    turn = cv2.getRotationMatrix2D((crop.shape[1] / 2, crop.shape[0] / 2),
                                   rng.uniform(-config.rotation, config.rotation), 1.0)
    crop = cv2.warpAffine(crop, turn, crop.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < config.coarse:
        crop = _coarsen(crop, rng)
    size = (int(right - left), int(bottom - top))
    # A letterboxed camera image is aliased more or less; the crop follows suit.
    smooth = size[1] < crop.shape[0] and rng.random() < 0.5
    method = cv2.INTER_AREA if smooth else cv2.INTER_LINEAR
    crop = cv2.resize(resizable(crop), size, interpolation=method)
    weight = cv2.resize(opacity, size)[..., None].astype(np.uint16)
    place = canvas[top:bottom, left:right]
    place[...] = (crop * weight + place * (255 - weight) + 127) // 255


def _opacity(shape: tuple[int, int], rng: np.random.Generator,
             config: ComposeConfig) -> np.ndarray:
    """Return how much of a crop shows, uint8 [h, w]: soft edges, sometimes a hidden part."""
    height, width = shape
    opacity = np.full(shape, 255, np.uint8)
    if rng.random() < config.erase:
        part, where = rng.uniform(0.15, 0.5), rng.random()
        if where < 0.4:
            opacity[int(height * (1 - part)):] = 0
        elif where < 0.55:
            start = int(rng.uniform(0, 1 - part) * height)
            opacity[start:start + int(part * height)] = 0
        else:
            start = int(rng.uniform(0, 1 - part) * width)
            opacity[:, start:start + int(part * width)] = 0
    margin = int(rng.integers(0, 6))
    if 0 < 4 * margin < min(shape):
        opacity = cv2.copyMakeBorder(opacity[margin:-margin, margin:-margin], margin, margin,
                                     margin, margin, cv2.BORDER_CONSTANT, value=0)
        opacity = cv2.blur(opacity, (margin * 2 + 1, margin * 2 + 1))
    return opacity
