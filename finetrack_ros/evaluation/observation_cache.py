# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Observations of sequences, kept in files, so that a model runs over a sequence once only."""

from __future__ import annotations

from collections.abc import Callable
import hashlib
import os
from pathlib import Path
from typing import Any
import zipfile
import zlib

import numpy as np

from finetrack_ros import __version__
from finetrack_ros.detections import Detections
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.observations import Observations


def default_cache() -> Path:
    """Return the folder for observations below the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'finetrack_ros' / 'observations'


def digest(*parts: object) -> str:
    """Return a digest of files (paths stand for contents) and of the text of anything else."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        total.update(f'{len(content)} '.encode() + content)
    return total.hexdigest()


def folder_state(folder: Path) -> str:
    """Return a digest of the names, sizes and times of a folder's files, not of their contents."""
    stats = sorted((path.name, path.stat()) for path in folder.iterdir())
    return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


class ObservationCache:
    """
    Folder of observations, one file per sequence and way to observe it.

    :param folder: made where it does not exist.
    :param report: takes messages about files that cannot be used.
    """

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._report = report

    def get(self, name: str, identity: str, state: str, make: Callable[[], Observations]
            ) -> Observations:
        """
        Return observations from the cache, or make them and keep them.

        :param name: of the sequence, for people who look into the folder.
        :param identity: digest of what makes this another file: sequence, model, settings.
        :param state: digest of what makes the file stale: images, detections.
        :raises SourceError: where the folder cannot be written.
        """
        path = self._folder / f'{name}-{identity[:16]}.npz'
        state = digest(state, __version__)
        kept = self._load(path, state) if path.exists() else None
        if kept is not None:
            return kept
        self._prepare()
        made = make()
        self._save(path, state, made)
        return made

    def _prepare(self) -> None:
        """Raise SourceError before the model has run for nothing."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> SourceError:
        return SourceError(f"Cache folder '{self._folder}' cannot be written ({error.strerror}). "
                           'Give another one with --cache.')

    def _save(self, path: Path, state: str, observations: Observations) -> None:
        partial = self._folder / f'{path.stem}.{os.getpid()}.part'
        try:
            with partial.open('wb') as file:
                np.savez(file, state=np.array(state), **_pack(observations))
            partial.replace(path)
        except OSError as error:
            raise self._refusal(error) from error
        finally:
            partial.unlink(missing_ok=True)

    def _load(self, path: Path, state: str) -> Observations | None:
        try:
            with np.load(path, allow_pickle=False) as content:
                if str(content['state']) != state:
                    self._report(f"'{path}' is of an earlier state of the sequence or of "
                                 'finetrack and is made anew')
                    return None
                return _unpack(content)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            self._report(f"'{path}' is damaged ({error}) and is made anew")
            return None


def _pack(observations: Observations) -> dict[str, Any]:
    detections = observations.detections
    still = np.full((2, 3), np.nan)
    arrays = {
        'numbers': np.array(observations.numbers, np.int64),
        'stamps': np.array(observations.stamps, np.float64),
        'counts': np.array([len(found) for found in detections], np.int64),
        'motions': np.array([still if motion is None else motion
                             for motion in observations.motions]).reshape(-1, 2, 3),
        'boxes': np.concatenate([found.boxes for found in detections]),
        'scores': np.concatenate([found.scores for found in detections]),
        'classes': np.concatenate([found.classes for found in detections])}
    embeddings = [found.embeddings for found in detections if found.embeddings is not None]
    if embeddings:
        arrays['embeddings'] = np.concatenate(embeddings)
    return arrays


def _unpack(content: Any) -> Observations:
    """Return observations from the arrays of a file; ValueError where they do not agree."""
    embeddings = content.get('embeddings')
    together = Detections(content['boxes'], content['scores'], content['classes'], embeddings)
    ends = np.cumsum(content['counts'])
    numbers, stamps, motions = content['numbers'], content['stamps'], content['motions']
    lengths = {len(numbers), len(stamps), len(motions), len(ends)}
    if len(lengths) > 1 or 0 in lengths or ends[-1] != len(together):
        raise ValueError('its arrays are of different lengths')
    starts = ends - content['counts']
    return Observations(
        numbers.tolist(), stamps.tolist(),
        [together[start:end] for start, end in zip(starts, ends, strict=True)],
        [None if np.isnan(motion).any() else motion for motion in motions])
