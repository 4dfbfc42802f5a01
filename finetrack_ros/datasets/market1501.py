# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Market-1501 crops, read in place from their tar file."""

from __future__ import annotations

from pathlib import Path
import re
import tarfile
from typing import NamedTuple

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
    The crops of a Market-1501 tar file (Zheng et al., ICCV 2015).

    The compressed crops are held in memory (39 MB for the training split) and decoded on
    request, so nothing is extracted to disk and worker processes share the bytes.

    :param tar_path: tar file with one JPEG per crop, in any folder
    :raises SourceError: when the file is missing, no tar file, or holds no crop
    """

    def __init__(self, tar_path: str | Path) -> None:
        path = Path(tar_path)
        if not path.is_file():
            raise SourceError(
                f'{path}: no such file; give the path of the Market-1501 tar file')
        try:
            found = _read_crops(path)
        except tarfile.TarError as error:
            raise SourceError(
                f'{path}: cannot be read as a tar file ({error}); fetch it again') from error
        if not found:
            raise SourceError(
                f'{path}: holds no crop named like 0002_c1s1_000451_03.jpg; '
                'give the Market-1501 tar file')
        found.sort(key=lambda item: item[0].name)
        self.path = path
        self.samples: tuple[CropSample, ...] = tuple(sample for sample, _ in found)
        self._jpegs = tuple(jpeg for _, jpeg in found)

    def __len__(self) -> int:
        return len(self.samples)

    def image(self, index: int) -> np.ndarray:
        """
        Decode one crop.

        :param index: position in ``samples``
        :return: BGR image, uint8 [128, 64, 3]
        :raises SourceError: when the JPEG is damaged
        """
        image = cv2.imdecode(np.frombuffer(self._jpegs[index], np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceError(
                f'{self.path}: {self.samples[index].name} is no readable JPEG; '
                'fetch the tar file again')
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


def _read_crops(path: Path) -> list[tuple[CropSample, bytes]]:
    found = []
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            match = _NAME.fullmatch(name)
            file = archive.extractfile(member) if match else None
            if match is None or file is None:
                continue
            fields = {key: int(value) for key, value in match.groupdict().items()}
            found.append((CropSample(name, **fields), file.read()))
    return found
