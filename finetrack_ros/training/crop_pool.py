# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""People cut out of all data sets, which composed frames are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip
from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import SourceError
from finetrack_ros.training.restyle import restyle

MIN_HEIGHT = 40
MIN_WIDTH = 14
# Crops taller than the tallest person of a composed frame are of no use larger.
MAX_HEIGHT = 320
QUALITY = 92
# In a video one frame shows a person much as the next does.
FRAME_STEP = 5


class CropPool:
    """
    Crops by one number, whatever they come from.

    Crops of annotated frames are cut once and kept compressed in memory, a few kilobytes each.

    :ivar known: for each identity number its crops, as (crop, camera) pairs.
    :ivar unknown: crops of people of whom nobody knows who they are.
    """

    def __init__(self) -> None:
        self.known: dict[int, list[tuple[int, int]]] = {}
        self.unknown: list[int] = []
        self._readers: list[Callable[[], np.ndarray]] = []
        self._vectors: list[NDArray[np.float16] | None] = []

    def __len__(self) -> int:
        return len(self._readers)

    def read(self, crop: int) -> np.ndarray:
        """Return the pixels of a crop, BGR uint8 [h, w, 3]."""
        return self._readers[crop]()

    def vector(self, crop: int) -> NDArray[np.float16] | None:
        """Return what the teachers say of a crop, [Dt]; None without teachers."""
        return self._vectors[crop]

    def add_market(self, market: Market1501, indices: Sequence[int], first: int,
                   vectors: Mapping[int, NDArray[np.float16]] | None) -> int:
        """
        Add identity crops.

        :param indices: which of the set's crops.
        :param first: number of the first identity; the next free one is returned.
        :param vectors: of the teachers, by index.
        """
        people = sorted({market.samples[index].identity for index in indices})
        number_of = {identity: first + place for place, identity in enumerate(people)}
        for index in map(int, indices):
            sample = market.samples[index]
            crop = self._add(_Crop(market, index), None if vectors is None else vectors[index])
            self.known.setdefault(number_of[sample.identity], []).append((crop, sample.camera))
        return first + len(people)

    def add_clip(self, clip: Clip, numbers: Mapping[int, int],
                 vectors: Sequence[NDArray[np.float16]] | None) -> None:
        """
        Cut the people out of annotated frames; of videos every fifth frame.

        Frames that cannot be read are passed over: training counts them when it comes to them.

        :param numbers: identity numbers of the clip's ids; people without one are unknown.
        :param vectors: of the teachers, [N, Dt] for each frame.
        """
        for place in range(0, len(clip.frames), FRAME_STEP if clip.is_video else 1):
            frame = clip.frames[place]
            for row, pixels in _cut(frame):
                vector = None if vectors is None else vectors[place][row]
                if vector is not None and np.isnan(vector[0]):
                    continue
                crop = self._add(_Jpeg(pixels), vector)
                number = numbers.get(int(frame.ids[row]), -1)
                if number < 0:
                    self.unknown.append(crop)
                else:
                    # Each view of a person in a video is from the same camera, at another time.
                    self.known.setdefault(number, []).append((crop, place))

    def add_restyled(self, count: int, seed: int, crops: Sequence[int],
                     look: Callable[[str, Sequence[np.ndarray]], NDArray[np.float16]]) -> None:
        """
        Add people in other clothes, as unknown ones.

        :param count: of each crop so many.
        :param crops: of which crops.
        :param look: what teachers say of images, [N, Dt], by a name that says which images.
        """
        for turn in range(count):
            images = [restyle(self.read(crop), np.random.default_rng((seed, turn, crop)))
                      for crop in crops]
            vectors = look(f'restyled {seed} {turn}', images)
            for image, vector in zip(images, vectors, strict=True):
                self.unknown.append(self._add(_Jpeg(image), vector))

    def _add(self, reader: Callable[[], np.ndarray], vector: NDArray[np.float16] | None) -> int:
        self._readers.append(reader)
        self._vectors.append(vector)
        return len(self._readers) - 1


class _Crop:
    def __init__(self, market: Market1501, index: int) -> None:
        self._market, self._index = market, index

    def __call__(self) -> np.ndarray:
        return self._market.image(self._index)


class _Jpeg:
    def __init__(self, pixels: np.ndarray) -> None:
        self._data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]

    def __call__(self) -> np.ndarray:
        pixels = cv2.imdecode(self._data, cv2.IMREAD_COLOR)
        assert pixels is not None, 'OpenCV reads what it has written'
        return pixels


def _cut(frame: AnnotatedFrame) -> list[tuple[int, np.ndarray]]:
    """Return the rows and pixels of the people of a frame that are large enough."""
    if not len(frame.boxes):
        return []
    try:
        image = frame.read()
    except SourceError:
        return []
    height, width = image.shape[:2]
    corners = np.clip(frame.boxes, 0, [width, height, width, height]).round().astype(int)
    found = []
    for row, (left, top, right, bottom) in enumerate(corners):
        tall, wide = bottom - top, right - left
        if frame.ignore[row] or tall < MIN_HEIGHT or wide < MIN_WIDTH:
            continue
        pixels = image[top:bottom, left:right]
        if tall > MAX_HEIGHT:
            size = (max(1, round(wide * MAX_HEIGHT / tall)), MAX_HEIGHT)
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        found.append((row, pixels))
    return found
