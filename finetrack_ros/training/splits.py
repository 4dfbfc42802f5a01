# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The split: which frames and identities are trained on, and which the weights are judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from finetrack_ros.datasets.annotations import Clip
from finetrack_ros.datasets.registry import read_clips
from finetrack_ros.errors import ConfigError

SHIPPED = Path(__file__).with_name('splits.yaml')


@dataclass(frozen=True)
class SequenceRange:
    """Frames ``first`` to ``last`` (1-based, inclusive) of a MOTChallenge sequence folder."""

    path: str
    first: int = 1
    last: int | None = None


@dataclass(frozen=True)
class StillFolder:
    """A folder of still images with YOLO labels."""

    path: str


@dataclass(frozen=True)
class SplitPart:
    """The real frames of one part of a split, paths relative to the data folder."""

    sequences: tuple[SequenceRange, ...] = ()
    stills: tuple[StillFolder, ...] = ()

    def read(self, root: str | Path) -> tuple[Clip, ...]:
        """
        Read the annotations of this part, sequences first.

        :param root: the data folder
        :raises SourceError: when data is missing or malformed
        """
        root = Path(root)
        clips: list[Clip] = []
        for video in self.sequences:
            frames = f'{video.first}:{video.last or ""}'
            clips += read_clips('mot', root / video.path, frames=frames)
        for folder in self.stills:
            clips += read_clips('yolo', root / folder.path)
        return tuple(clips)


@dataclass(frozen=True)
class IdentitySplit:
    """A tar file of identity crops; its ``evaluate_last`` highest ids are not trained on."""

    path: str
    evaluate_last: int


@dataclass(frozen=True)
class Splits:
    """Real frames to train on and to evaluate on, and how the identity crops are divided."""

    train: SplitPart
    evaluate: SplitPart
    identities: IdentitySplit


def load_splits(path: str | Path | None = None) -> Splits:
    """
    Read a split file.

    :param path: YAML file of the form of the shipped ``splits.yaml``; None reads that one
    :raises ConfigError: when the file is missing, no YAML, or has missing or unknown keys
    """
    path = SHIPPED if path is None else Path(path)
    try:
        content = yaml.safe_load(path.read_text())
        return Splits(train=_read_part(content['train']), evaluate=_read_part(content['evaluate']),
                      identities=IdentitySplit(**content['identities']))
    except OSError as error:
        raise ConfigError(f'{path}: cannot be read ({error.strerror}); '
                          'give an existing split file') from error
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(f'{path}: is no valid split file ({error}); '
                          'write it like finetrack_ros/training/splits.yaml') from error


def _read_part(content: Mapping[str, Any]) -> SplitPart:
    return SplitPart(
        sequences=tuple(SequenceRange(**item) for item in content.get('sequences', ())),
        stills=tuple(StillFolder(**item) for item in content.get('stills', ())),
    )
