# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keep what engines compile, so that only the first start on a machine takes long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import hashlib
import json
import logging
import os
from pathlib import Path
import tempfile
from typing import Any

_MAGIC = b'finetrack plan 1\n'
# A header is a few hundred bytes; a foreign file's first line may be anything.
_LONGEST_HEADER = 65536

_logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return ``$FINETRACK_CACHE``, else ``finetrack_ros`` in the user's cache folder."""
    chosen = os.environ.get('FINETRACK_CACHE')
    if chosen:
        return Path(chosen)
    base = os.environ.get('XDG_CACHE_HOME', '')
    # As the XDG specification says, a relative path counts as none.
    if os.path.isabs(base):
        return Path(base) / 'finetrack_ros'
    try:
        return Path.home() / '.cache' / 'finetrack_ros'
    except RuntimeError:
        # A service's user may have no home.
        return Path('/var/cache/finetrack_ros')


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class CachedPlan:
    """A file of the cache: where it lies, its bytes, and what it was compiled from and for."""

    path: Path
    size: int
    key: Mapping[str, str]


class PlanCache:
    """
    Compiled models in a folder, each in a file with its key and a checksum.

    A file is written elsewhere and moved into place whole, so that nobody reads a half of one. A
    cache that cannot be used costs time, never a run: it says so once and goes without.

    :param folder: where the files lie; it is made when the first one is written. None takes
        :func:`cache_folder`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()
        self._warned = False

    def path(self, key: Mapping[str, str]) -> Path:
        """Return the file of a key, whose entries ``engine`` and ``graph`` name it."""
        text = json.dumps(dict(key), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{key['engine']}-{key['graph']}-{digest}.plan"

    def load(self, key: Mapping[str, str]) -> bytes | None:
        """Return what was stored under a key; None where there is nothing usable."""
        path = self.path(key)
        try:
            with path.open('rb') as file:
                header = _read_header(file.readline(_LONGEST_HEADER),
                                      file.readline(_LONGEST_HEADER))
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            self._warn(f'{path}: cannot be used ({error}); it is compiled anew')
            return None
        if header['key'] != dict(key) or header['sha256'] != hashlib.sha256(data).hexdigest():
            self._warn(f'{path}: is damaged; it is compiled anew')
            return None
        return data

    def store(self, key: Mapping[str, str], data: bytes | memoryview) -> None:
        """Store under a key; warn, once, where the folder cannot be written."""
        header = {'key': dict(key), 'sha256': hashlib.sha256(data).hexdigest()}
        path = self.path(key)
        temporary = ''
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix='.', suffix='.part',
                                             delete=False) as file:
                temporary = file.name
                file.write(_MAGIC + json.dumps(header).encode() + b'\n')
                file.write(data)
            os.replace(temporary, path)
        except OSError as error:
            self._warn(f'{path}: cannot be written ({error}), so that each start compiles anew; '
                       'free space there, or set FINETRACK_CACHE to a folder that can be written')
            if temporary:
                Path(temporary).unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: Mapping[str, str]) -> Iterator[None]:
        """Let one process at a time compile a key; others wait here, then find it stored."""
        path = self.path(key).with_suffix('.lock')
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = path.open('w')
        except OSError:
            # Storing will say what is wrong with the folder; without one nothing is shared.
            yield
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _logger.info('another process compiles %s; waiting for it', key['graph'])
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                # Some network file systems have no locks; then both compile.
                _logger.debug('%s: no lock (%s)', path, error)
            yield

    def plans(self) -> list[CachedPlan]:
        """Return what lies in the cache, by name; files that are not ours are left out."""
        found = []
        for path in sorted(self.folder.glob('*.plan')):
            try:
                with path.open('rb') as file:
                    header = _read_header(file.readline(_LONGEST_HEADER),
                                          file.readline(_LONGEST_HEADER))
                found.append(CachedPlan(path, path.stat().st_size, header['key']))
            except (OSError, ValueError) as error:
                _logger.debug('%s: %s', path, error)
        return found

    def _warn(self, text: str) -> None:
        _logger.log(logging.DEBUG if self._warned else logging.WARNING, '%s', text)
        self._warned = True


def _read_header(magic: bytes, line: bytes) -> dict[str, Any]:
    if magic != _MAGIC:
        raise ValueError('it is no file of this cache')
    header: Any = json.loads(line)
    if not isinstance(header, dict) or not {'key', 'sha256'} <= header.keys():
        raise ValueError('its header is incomplete')
    return header
