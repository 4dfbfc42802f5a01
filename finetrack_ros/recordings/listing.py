# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find recordings by path, pattern, list or URL, and tell whether one has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
import glob
import hashlib
import json
from pathlib import Path
import re
from typing import Any

from finetrack_ros.errors import SourceError
from finetrack_ros.io.sources import natural_key

_MAGIC = set('*?[')
# What storages call the size and the state of a file.
_VERSION = ('size', 'mtime', 'LastModified', 'last_modified', 'updated', 'ETag', 'etag', 'CRC')


@dataclass(frozen=True)
class Recording:
    """
    One recording to track.

    :ivar name: unique among those of a run; names its results.
    :ivar source: path, or URL as fsspec understands it.
    """

    name: str
    source: str

    @property
    def is_url(self) -> bool:
        """Say whether the recording must be fetched before it can be read."""
        return _is_url(self.source)


def find_recordings(sources: Iterable[str], manifest: Path | None = None,
                    known: Mapping[str, str] | None = None) -> list[Recording]:
    """
    Return the recordings that paths, patterns and URLs name, each once, in their order.

    :param sources: files, folders and bags; patterns such as ``day*/*.mp4`` (``**`` for folders
        of any depth); URLs such as ``s3://bucket/day*/*.mp4``.
    :param manifest: text file of more of these, one a line; ``#`` begins a comment. Paths are
        relative to its folder.
    :param known: names that sources got earlier, which they keep.
    :raises SourceError: where nothing is found for one of them, or the manifest cannot be read.
    """
    wanted = list(sources)
    if manifest is not None:
        wanted += _lines(manifest)
    found = list(dict.fromkeys(path for source in wanted for path in _expand(source)))
    if not found:
        raise SourceError('There are no recordings to track. Give files, folders, bags or '
                          'patterns, or a --manifest that lists them.')
    names = dict(known or {})
    for source, name in zip(found, _names(found), strict=True):
        if source not in names:
            names[source] = _unused(name, set(names.values()))
    return [Recording(names[source], source) for source in found]


def fingerprint(recording: Recording) -> str:
    """
    Return what changes with a recording: a digest of its files' names, sizes and times.

    :raises SourceError: where it cannot be found or asked for.
    """
    system, path = file_system(recording.source)
    try:
        files = {path: system.info(path)}
        if files[path]['type'] == 'directory':
            files = system.find(path, detail=True)
    # Each kind of storage has errors of its own.
    except Exception as error:
        raise SourceError(f"Recording '{recording.source}' cannot be found ({error}). Check its "
                          'name, and that you may read it.') from error
    listed = [(name, *(str(info.get(key)) for key in _VERSION))
              for name, info in sorted(files.items())]
    return hashlib.sha256(json.dumps(listed).encode(errors='surrogateescape')).hexdigest()


def file_system(url: str) -> tuple[Any, str]:
    """
    Return the fsspec file system of a path or URL, and the path in it.

    :raises SourceError: where there is no such kind of storage, or its library is missing.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(url) if _is_url(url) else (
            fsspec.filesystem('file'), str(Path(url).expanduser().absolute()))
    except (ValueError, ImportError, OSError) as error:
        raise SourceError(f"'{url}' cannot be reached ({error}). Give a path, or the URL of a "
                          'storage that fsspec knows.') from error


def _is_url(source: str) -> bool:
    return '://' in source and not Path(source).exists()


def _lines(manifest: Path) -> Iterator[str]:
    try:
        text = manifest.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"Manifest '{manifest}' cannot be read ({error}). Give a text file with "
                          'one recording a line.') from error
    for line in text.splitlines():
        source = line.partition('#')[0].strip()
        if source:
            yield source if _is_url(source) else str(manifest.parent / source)


def _expand(source: str) -> list[str]:
    """Return the paths that a pattern matches, in natural order; what exists is no pattern."""
    if _is_url(source):
        # Of a chain such as zip://day*.mp4::s3://bucket/all.zip, the first link is the pattern.
        head, link, chain = source.partition('::')
        if not _MAGIC & set(head):
            return [source]
        system, pattern = file_system(source)
        protocol = head.partition('://')[0]
        paths = [f'{protocol}://{path.lstrip("/")}{link}{chain}' if chain
                 else str(system.unstrip_protocol(path)) for path in system.glob(pattern)]
    else:
        path = Path(source).expanduser()
        if path.exists():
            return [str(path.absolute())]
        paths = glob.glob(str(path.absolute()), recursive=True) if _MAGIC & set(source) else []
    if not paths:
        raise SourceError(f"Nothing is found for '{source}'. Check the path or pattern, and put "
                          'patterns in quotes.')
    return sorted(paths, key=natural_key)


def _names(sources: Sequence[str]) -> list[str]:
    """Return short names: the last parts of the paths, so many of them that none is twice."""
    parts = [[part for part in re.split('/+', source.partition('::')[0])
              if part not in ('', '.', '..')] for source in sources]
    names = []
    for own in parts:
        count = 1
        while sum(other[-count:] == own[-count:] for other in parts) > 1 and count < len(own):
            count += 1
        names.append(re.sub(r'[^\w.+-]', '_', '_'.join(own[-count:])) or 'recording')
    return names


def _unused(name: str, used: set[str]) -> str:
    number, unique = 2, name
    while unique in used:
        unique, number = f'{name}_{number}', number + 1
    return unique
