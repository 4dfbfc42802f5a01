# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read what an ONNX file says of itself, without the onnx package, which robots need not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from finetrack_ros.errors import ModelError
from finetrack_ros.inference.engine import METADATA_KEY

# Field numbers and wire types of onnx.proto and of protocol buffers.
_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_metadata(path: Path) -> str | None:
    """
    Return this package's metadata of an ONNX file, JSON text; None in a foreign file.

    :raises ModelError: where the file cannot be read or is no ONNX file.
    """
    try:
        for number, entry in _fields(memoryview(path.read_bytes())):
            if number == _METADATA_PROPS:
                pair = {field: bytes(value).decode() for field, value in _fields(entry)}
                if pair.get(_KEY) == METADATA_KEY:
                    return pair[_VALUE]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f'{path}: is damaged or no ONNX file ({error}); '
                         'write it again with `finetrack export`') from error
    return None


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each field; of fields without content, an empty view."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind, content = tag & 7, data[:0]
        if kind == _BYTES:
            size, position = _varint(data, position)
            content = data[position:position + size]
            if len(content) < size:
                raise ValueError('it ends within a field')
            position += size
        elif kind == _VARINT:
            _, position = _varint(data, position)
        elif kind in (_FIXED32, _FIXED64):
            position += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f'wire type {kind}')
        yield tag >> 3, content


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return value, position
        shift += 7
