# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Open the files of a rosbag2 recording, with its metadata.yaml or, where that is bad, without."""

from __future__ import annotations

from contextlib import ExitStack
import io
import logging
from pathlib import Path
import struct
from typing import Any, BinaryIO

from rosbags.rosbag2 import Reader

from finetrack_ros.errors import SourceError
from finetrack_ros.io.native_paths import native_name
from finetrack_ros.io.sources import BAG_SUFFIXES, natural_key

_MAGIC = b'\x89MCAP0\r\n'
_SCHEMA = b'\x03'
_ROS_SCHEMAS = (b'', b'ros2msg', b'ros2idl', b'omgidl')

_logger = logging.getLogger(__name__)


def open_readers(path: Path, stack: ExitStack) -> list[Reader]:
    """
    Open a bag by its metadata.yaml; each of its files where that is absent or wrong.

    :param path: its folder, or one of its files.
    :param stack: closes the readers.
    :raises SourceError: where it cannot be read; says why and what to do.
    """
    if path.suffix == '.bag':
        raise SourceError(f"Bag '{path}' is of ROS 1. Convert it with: rosbags-convert --src "
                          f'{path} --dst {path.stem}')
    for file in storage_files(path, '.mcap'):
        if _profile(file) == 'ros1':
            raise SourceError(f"Bag '{path}' is of ROS 1, in MCAP. Convert the recording that it "
                              'was made of with: rosbags-convert --src OLD.bag --dst NEW')
    if not path.is_dir():
        return _open_all([path], path, stack)
    files = storage_files(path, *BAG_SUFFIXES)
    try:
        reader = _open(path, stack)
        if reader.message_count or not files:
            return [reader]
        readers = _open_all(files, path, stack)
        if not any(reader.message_count for reader in readers):
            return [reader]
        problem = 'a metadata.yaml that states 0 messages'
    # A bag has any error of YAML, databases and decompressors, which have none in common.
    except Exception as error:
        if not files:
            raise _failure(path, error) from error
        problem = f'a metadata.yaml that cannot be used ({error})'
        if not (path / 'metadata.yaml').is_file():
            problem = 'no metadata.yaml, as after a recording that was cut short'
        readers = _open_all(files, path, stack)
    _logger.warning("Bag '%s' has %s; its %d file(s) are read without it.", path, problem,
                    len(files))
    return readers


def storage_files(path: Path, *suffixes: str) -> list[Path]:
    """Return the files of a bag that end so (and perhaps in .zstd) in natural order."""
    files = path.iterdir() if path.is_dir() else [path]
    return sorted((f for f in files if f.name.removesuffix('.zstd').endswith(suffixes)),
                  key=lambda file: natural_key(file.name))


def _open_all(files: list[Path], path: Path, stack: ExitStack) -> list[Reader]:
    try:
        return [_open(file, stack) for file in files]
    # Databases and decompressors have each their own errors, and none in common.
    except Exception as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"Bag '{path}' cannot be read ({error or type(error).__name__}). Check that it was copied "
        "whole; after a recording that was cut short, 'ros2 bag reindex' (or 'mcap recover') "
        'repairs it.')


def _open(path: Path, stack: ExitStack) -> Reader:
    # SQLite takes the name as a URL.
    name = stack.enter_context(native_name(path, '%?#'))
    reader = Reader(_BagPath(name))
    reader.open()
    stack.callback(reader.close)
    return reader


class _BagPath(type(Path())):  # type: ignore[misc]
    """Path below which MCAP files open with what rosbags would refuse put right."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        file = super().open(*args, **kwargs)
        return _LenientMcap(file) if self.suffix == '.mcap' else file


def _profile(file: Path) -> str | None:
    """Return the profile that the header of an MCAP file names, None where there is no header."""
    try:
        with file.open('rb') as opened:
            head = opened.read(21)
            if len(head) < 21 or not head.startswith(_MAGIC):
                return None
            size, = struct.unpack_from('<I', head, 17)
            return opened.read(min(size, 100)).decode(errors='replace')
    except OSError:
        return None


class _LenientMcap:
    """
    MCAP file as rosbags reads it: of profile ``ros2``, and with schemas of ROS alone.

    Writers may leave the profile empty, and put channels of JSON or protobuf beside those of ROS,
    whose messages can be read all the same: schemas of other kinds are given as of none.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._before = b''
        self._head = io.BytesIO()
        begin = file.read(17)
        if begin.startswith(_MAGIC) and len(begin) == 17:
            file.seek(struct.unpack_from('<Q', begin, 9)[0], 1)
            names = struct.pack('<I4sI', 4, b'ros2', 0)
            self._head = io.BytesIO(begin[:9] + struct.pack('<Q', len(names)) + names)
        else:
            file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Return bytes; a schema's whole where its operation code and length were read before."""
        data = self._head.read(size) or self._file.read(size)
        if self._before[:1] == _SCHEMA and len(self._before) == 9:
            data = _plain_schema(data)
        # What tells a schema is a read of its code, and then one of its length.
        follows = self._before == _SCHEMA and size == 8
        self._before = _SCHEMA + data if follows else data if size == 1 else b''
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move as a file does."""
        self._before = b''
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the file."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _plain_schema(data: bytes) -> bytes:
    """Return a schema record of the same length, without its encoding unless it is of ROS."""
    name_end = 6 + struct.unpack_from('<I', data, 2)[0]
    size, = struct.unpack_from('<I', data, name_end)
    start = name_end + 4
    encoding, rest = data[start:start + size], data[start + size:]
    if encoding in _ROS_SCHEMAS:
        return data
    length, = struct.unpack_from('<I', rest)
    return (data[:name_end] + struct.pack('<II', 0, length + size) + rest[4:] + bytes(size))
