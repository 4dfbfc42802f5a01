# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Market-1501 crops, read in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re
import tarfile
from typing import NamedTuple
import zlib

import cv2
import numpy as np

from finetrack_ros.errors import ConfigError, SourceError

_NAME = re.compile(r'(?P<identity>-?\d+)_c(?P<camera>\d)s(?P<sequence>\d)_(?P<frame>\d+)_\d+\.jpg')


class CropSample(NamedTuple):
    """What the file name of one crop says: ``0002_c1s1_000451_03.jpg`` is id 2, camera 1."""

    name: str
    identity: int
    camera: int
    sequence: int
    frame: int


class Market1501:
    """
    The crops of Market-1501 (Zheng et al., ICCV 2015), from a folder or from a tar file of it.

    The compressed crops are held in memory (39 MB for the training split) and decoded on
    request, so that worker processes share the bytes.

    :param path: a folder of JPEG files as published, such as ``bounding_box_train``, or a tar
        file of such crops, in any folder.
    :ivar samples: what the names of the crops say, sorted by name.
    :ivar skipped: crops of nobody in particular, left out: junk (id -1) and distractors (id 0).
    :raises SourceError: where the path is missing, no folder or tar file, or holds no crop.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise SourceError(f'{path}: no such folder or file; give the path of a Market-1501 '
                              'folder, such as bounding_box_train, or of a tar file of it')
        read = _read_folder if self.path.is_dir() else _read_tar
        found = sorted(read(self.path))
        known = [(sample, jpeg) for sample, jpeg in found if sample.identity > 0]
        if not known:
            raise SourceError(
                f'{path}: holds no crop of a person named like 0002_c1s1_000451_03.jpg; '
                'give a folder such as bounding_box_train, or a tar file of it')
        self.samples: tuple[CropSample, ...] = tuple(sample for sample, _ in known)
        self.skipped = len(found) - len(known)
        self._jpegs = tuple(jpeg for _, jpeg in known)

    def __len__(self) -> int:
        return len(self.samples)

    def image(self, index: int) -> np.ndarray:
        """
        Decode one crop.

        :param index: position in ``samples``
        :return: BGR image, uint8 [128, 64, 3]
        :raises SourceError: when the JPEG is damaged
        """
        jpeg = np.frombuffer(self._jpegs[index], np.uint8)
        image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR) if len(jpeg) else None
        if image is None:
            raise SourceError(
                f'{self.path}: {self.samples[index].name} is no readable JPEG; fetch it again')
        return image

    def split(self, last_ids: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """
        Split the crops by identity: all but the last identities, and the last ones.

        :param last_ids: number of identities in the second part, the highest in sorted order
        :return: two int64 arrays of positions in ``samples``
        :raises ConfigError: when either part would be left without an identity
        """
        identities = np.array([sample.identity for sample in self.samples])
        known = np.unique(identities)
        if not 0 < last_ids < len(known):
            raise ConfigError(
                f'last_ids = {last_ids}: {self.path.name} has {len(known)} identities; '
                f'choose 1 to {len(known) - 1}')
        is_last = np.isin(identities, known[-last_ids:])
        return np.flatnonzero(~is_last), np.flatnonzero(is_last)


def _read_folder(path: Path) -> Iterator[tuple[CropSample, bytes]]:
    for file in path.iterdir():
        sample = _parse(file.name)
        if sample is not None:
            yield sample, file.read_bytes()


def _read_tar(path: Path) -> Iterator[tuple[CropSample, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                sample = _parse(Path(member.name).name)
                file = archive.extractfile(member) if sample else None
                if sample is not None and file is not None:
                    yield sample, file.read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise SourceError(
            f'{path}: cannot be read as a tar file ({error}); fetch it again') from error


def _parse(name: str) -> CropSample | None:
    match = _NAME.fullmatch(name)
    return match and CropSample(name, **{key: int(value) for key, value
                                         in match.groupdict().items()})
