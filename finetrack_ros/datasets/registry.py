# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Readers of annotated images by the name of their format.

A reader is a function of a path and of keyword-only options with types; it stands in a module of
this package and registers itself::

    @reader('widgets')
    def read_widgets(path: Path, *, part: Literal['train', 'test'] = 'train') -> list[Clip]:
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
import inspect
from pathlib import Path
import pkgutil
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, Literal, TypeVar, Union

from finetrack_ros.datasets.annotations import Clip
from finetrack_ros.errors import ConfigError

Reader = Callable[..., Iterable[Clip]]
ReaderType = TypeVar('ReaderType', bound=Reader)

_READERS: dict[str, Reader] = {}


def reader(name: str) -> Callable[[ReaderType], ReaderType]:
    """
    Register a reader under the name of the format that it reads.

    Its options may be bool, int, float, str, Literal and unions of these with None: what users
    write for them is checked against their types before the reader is called.

    :raises ValueError: where another reader has the name.
    """
    def register(function: ReaderType) -> ReaderType:
        if _READERS.setdefault(name, function) is not function:
            raise ValueError(f"Two readers are registered as '{name}'")
        return function
    return register


def formats() -> list[str]:
    """Return the names of the formats that can be read, sorted."""
    _load_readers()
    return sorted(_READERS)


def read_clips(format: str, path: str | Path, **options: Any) -> tuple[Clip, ...]:
    """
    Read annotated images; the images themselves stay where they are until a frame is read.

    :param format: one of :func:`formats`.
    :param path: file or folder, as the format's reader says.
    :param options: of the format's reader.
    :raises ConfigError: where the format or an option is unknown, or a value does not fit.
    :raises SourceError: where data is missing or malformed.
    """
    known = formats()
    if format not in known:
        raise ConfigError(f"Data format '{format}' is unknown. Choose one of "
                          f'{", ".join(known)}.')
    function = _READERS[format]
    _check_options(format, function, options)
    return tuple(function(Path(path), **options))


@cache
def _load_readers() -> None:
    package = __name__.rpartition('.')[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f'{package}.{module.name}')


def _check_options(format: str, function: Reader, options: dict[str, Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    known = {item.name: item for item in parameters if item.kind is item.KEYWORD_ONLY}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(f"Data format '{format}' has no option '{unknown[0]}'. Its options are "
                          f'{", ".join(known) or "none"}.')
    missing = [name for name, item in known.items()
               if item.default is item.empty and name not in options]
    if missing:
        raise ConfigError(f"Data format '{format}' needs the option '{missing[0]}'. Give it.")
    hints = get_type_hints(function)
    for name, value in options.items():
        if not _fits(value, hints[name]):
            raise ConfigError(f"Data format '{format}': option '{name}' cannot be {value!r}. Give "
                              f'{_in_words(hints[name])}.')


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, choice) for choice in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(value, bool):
        # In Python True is the integer 1; in a data set's options it is a slip.
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _in_words(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return ' or '.join(map(_in_words, get_args(hint)))
    if get_origin(hint) is Literal:
        return ' or '.join(map(str, get_args(hint)))
    names = {type(None): 'nothing', bool: 'true or false', int: 'an integer',
             float: 'a number', str: 'a text'}
    return names[hint]
