# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Re-identification networks as teachers: what they say of every person crop, computed once.

Teachers are OpenVINO IR networks that take one crop, float [N, 3, H, W], BGR 0-255, such as Open
Model Zoo's ``person-reidentification-retail-0277``. They see the true box, clean; the student sees
it hidden, cut off and shifted, and is to say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
import hashlib
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, IO

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import Clip
from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import ConfigError, SourceError

Vectors = NDArray[np.float16]
BATCH = 16
# A person of fewer pixels teaches nothing about looks.
MIN_CROP = 8.0


class Teachers:
    """
    Several networks as one: their unit vectors side by side, scaled to unit length again.

    The dot product of two such vectors is the mean cosine over the networks.

    :param paths: IR files (.xml), their weights beside them.
    :param cache: folder where vectors are kept from run to run.
    :param progress: called with what is being computed.
    :raises SourceError: where a file is missing or damaged.
    :raises ConfigError: where OpenVINO is not installed.
    """

    def __init__(self, paths: Sequence[Path], cache: Path,
                 progress: Callable[[str], None] = lambda step: None) -> None:
        self._networks = [_Network(path) for path in paths]
        self._cache = cache
        self._progress = progress
        self.dim = sum(network.dim for network in self._networks)

    def of_clip(self, clip: Clip) -> list[Vectors]:
        """
        Return what the teachers say of the people of each frame, float16 [N, dim] each.

        Rows of people who are ignored or too small, and of frames that cannot be read, are NaN.
        """
        usable = [~frame.ignore & (_sizes(frame.boxes) >= MIN_CROP).all(axis=1)
                  for frame in clip.frames]
        names = [f'{frame.path.name} {box.tolist()}'
                 for frame, keep in zip(clip.frames, usable, strict=True)
                 for box in frame.boxes[keep]]
        found = self._cached(clip.name, names, lambda: _clip_crops(clip, usable))
        result, start = [], 0
        for keep in usable:
            rows = np.full((len(keep), self.dim), np.nan, np.float16)
            count = int(keep.sum())
            rows[keep] = found[start:start + count]
            start += count
            result.append(rows)
        return result

    def of_crops(self, market: Market1501, indices: Sequence[int]) -> dict[int, Vectors]:
        """Return what the teachers say of identity crops, float16 [dim] by index."""
        names = [market.samples[index].name for index in indices]
        found = self._cached(market.path.name, names,
                             lambda: (market.image(int(index)) for index in indices))
        return {int(index): row for index, row in zip(indices, found, strict=True)}

    def of_images(self, title: str, images: Sequence[np.ndarray]) -> Vectors:
        """Return what the teachers say of images of one person each, float16 [N, dim]."""
        names = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
        return self._cached(title, names, lambda: images)

    def _cached(self, title: str, names: Sequence[str],
                crops: Callable[[], Iterable[np.ndarray]]) -> Vectors:
        key = hashlib.sha256('\n'.join([n.key for n in self._networks] + list(names)).encode())
        path = self._cache / f'{key.hexdigest()[:24]}.npy'
        stored = _stored_vectors(path, (len(names), self.dim))
        if stored is not None:
            return stored
        if names:
            self._progress(f'{len(names)} crops of {title} to the teachers')
        vectors = self._compute(crops(), len(names))
        write_aside(path, lambda file: np.save(file, vectors))
        return vectors

    def _compute(self, crops: Iterable[np.ndarray], count: int) -> Vectors:
        vectors = np.full((count, self.dim), np.nan, np.float16)
        stream, start = iter(crops), 0
        while batch := list(islice(stream, BATCH)):
            good = [i for i, crop in enumerate(batch) if crop.size]
            if good:
                joined = np.hstack([n([batch[i] for i in good]) for n in self._networks])
                joined /= len(self._networks) ** 0.5
                vectors[[start + i for i in good]] = joined
            start += len(batch)
        return vectors


def load_network(path: Path) -> tuple[Any, str]:
    """
    Read an OpenVINO IR network of one image input.

    :return: the network, and a key that changes with its content.
    :raises SourceError: where the file or its .bin is missing or damaged.
    :raises ConfigError: where OpenVINO is not installed.
    """
    try:
        from finetrack_ros.inference.openvino_library import ov
    except ImportError as error:
        raise ConfigError('teachers need OpenVINO, which is not installed; remedy: '
                          "pip install 'finetrack_ros[train]'") from error
    weights = path.with_suffix('.bin')
    if not path.is_file() or not weights.is_file():
        raise SourceError(f'{path}: this teacher or its .bin is missing; fetch both files of '
                          'the network, or take it out of the recipe')
    # By content, as OpenVINO takes no name that is not UTF-8.
    content = path.read_bytes(), weights.read_bytes()
    key = hashlib.sha256(b''.join(content)).hexdigest()
    try:
        network = ov.Core().read_model(*content)
    except RuntimeError as error:
        raise SourceError(f'{path}: cannot be read as an OpenVINO IR ({error}); '
                          'fetch both files of the network again') from error
    if len(network.inputs) != 1:
        raise SourceError(f'{path}: takes no single image; give a network of one image input')
    return network, key


def image_size(network: Any, path: Path) -> tuple[int, int]:
    """
    Return height and width of a network's input.

    :raises SourceError: where it is no batch of BGR images [N, 3, H, W] of one size.
    """
    shape = network.input(0).partial_shape
    if shape.rank.is_dynamic or len(shape) != 4 or any(side.is_dynamic for side in shape[1:]) \
            or shape[1].get_length() != 3:
        raise SourceError(f'{path}: takes {shape}; give a network of images [N, 3, H, W] whose '
                          'size is set')
    return int(shape[2].get_length()), int(shape[3].get_length())


def write_aside(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """
    Write a file under another name, then move it: a run that is killed leaves no half behind.

    :raises SourceError: where that is not allowed, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own for each process: others may be computing the same.
        with NamedTemporaryFile(dir=path.parent, suffix=path.suffix, delete=False) as part:
            write(part)
        Path(part.name).replace(path)
    except OSError as error:
        raise SourceError(f'{path}: cannot be written ({error}); name another folder with '
                          '--cache') from error


def _stored_vectors(path: Path, shape: tuple[int, int]) -> Vectors | None:
    """Return what an earlier run wrote; None where there is nothing, or it is damaged."""
    try:
        stored = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return stored if isinstance(stored, np.ndarray) and stored.shape == shape else None


class _Network:
    """One network; ``key`` says which, by its content."""

    def __init__(self, path: Path) -> None:
        network, self.key = load_network(path)
        from finetrack_ros.inference.openvino_library import ov

        self._height, self._width = image_size(network, path)
        try:
            # Of one size of batch only: some networks' heads do not take another at run time.
            network.reshape([BATCH, 3, self._height, self._width])
            self.dim = int(np.prod(network.output(0).shape[1:]))
        except RuntimeError as error:
            raise SourceError(f'{path}: takes no batch of {BATCH} images ({error}); give a '
                              'network whose first dimension may change') from error
        self._model = ov.Core().compile_model(network, 'CPU', {'ENABLE_CPU_PINNING': False})

    def __call__(self, crops: Sequence[np.ndarray]) -> NDArray[np.float32]:
        """Return unit rows [N, dim] of BGR crops, ``BATCH`` at most."""
        images = np.zeros((BATCH, self._height, self._width, 3), np.float32)
        for image, crop in zip(images, crops, strict=False):
            image[...] = cv2.resize(crop, (self._width, self._height))
        found = self._model(images.transpose(0, 3, 1, 2))[0].reshape(BATCH, -1)[:len(crops)]
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _sizes(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 2:] - boxes[:, :2]


def _clip_crops(clip: Clip, usable: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
    """Yield the usable people's pixels; an empty array where there are none to see."""
    for frame, keep in zip(clip.frames, usable, strict=True):
        if not keep.any():
            continue
        try:
            image = frame.read()
        except SourceError:
            # The training counts and skips this frame, too; its rows stay NaN.
            image = np.zeros((0, 0, 3), np.uint8)
        for left, top, right, bottom in frame.boxes[keep]:
            yield image[max(int(top), 0):max(round(bottom), 0),
                        max(int(left), 0):max(round(right), 0)]
