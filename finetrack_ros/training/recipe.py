# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes: a YAML file that says all of a training, from the data to the weights' name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
import math
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, TypeVar

import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.training.augment import AugmentConfig
from finetrack_ros.training.compose import ComposeConfig
from finetrack_ros.training.config import DataConfig, require_least, TrainConfig
from finetrack_ros.training.pseudo_labels import PseudoLabeller

T = TypeVar('T')


@dataclass(frozen=True)
class FrameSet:
    """
    Annotated images to train on.

    ``format`` and ``options``: which reader of ``finetrack_ros.datasets`` reads ``path``, and how;
    in a recipe the options stand beside the other keys. ``repeat``: how often each frame is seen
    in a pass. ``detect``: whether its boxes train the detector; ``appearance``: whether its people
    train the embedding. ``identities``: whether ids name people, else only teachers know them.
    ``complete``: false where people are left unlabelled; pseudo-labels fill in.
    """

    format: str
    path: str
    repeat: int = 1
    detect: bool = True
    appearance: bool = True
    identities: bool = True
    complete: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check how often the frames are seen."""
        require_least(self, {'repeat': 1})


@dataclass(frozen=True)
class CropSet:
    """
    Crops of people of known identity, in Market-1501's layout.

    ``leave_out``: so many of the highest ids are kept for evaluation; ``validate``: so many of the
    others, the highest, are kept to choose settings by.
    """

    path: str
    leave_out: int = 0
    validate: int = 0

    def __post_init__(self) -> None:
        """Check the numbers of ids."""
        require_least(self, {'leave_out': 0, 'validate': 0})


@dataclass(frozen=True)
class Recipe:
    """
    All of a training.

    ``weights``: what it starts from, a YOLOX (.onnx, .pth) or a FineTrack checkpoint (.pt);
    ``embedder``: another FineTrack checkpoint whose embedder it starts with, none if empty;
    ``model``: fields of ``FineTrackConfig`` that differ from those of the weights; ``teachers``:
    re-identification networks (OpenVINO IR); ``restyled``: how many people in other clothes each
    crop of an annotated frame becomes, for the teachers; ``labellers``: detectors that complete
    labels.
    Paths are relative to the data folder, or as they stand.
    """

    name: str
    weights: str
    frames: tuple[FrameSet, ...]
    embedder: str = ''
    crops: tuple[CropSet, ...] = ()
    teachers: tuple[str, ...] = ()
    restyled: int = 0
    labellers: tuple[PseudoLabeller, ...] = ()
    model: Mapping[str, Any] = field(default_factory=dict)
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    compose: ComposeConfig = ComposeConfig()
    train: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        """Check the number of people in other clothes."""
        require_least(self, {'restyled': 0})

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for a checkpoint."""
        return asdict(self)


def load_recipe(path: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """
    Read a recipe.

    :param path: YAML file.
    :param changes: ``key=value`` texts that replace values, such as ``train.steps=100``; the value
        is YAML.
    :raises ConfigError: where the file is missing or no YAML, or a key or value does not fit.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'{path}: cannot be read as a recipe ({error}); '
                          'give one of config/train/, or one like them') from error
    if not isinstance(content, dict):
        raise ConfigError(f'{path}: holds no keys; write it like those of config/train/')
    for change in changes:
        _change(content, change)
    return build(Recipe, content, str(path))


def _change(content: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition('=')
    *parents, last = key.strip().split('.')
    if not equals or not last:
        raise ConfigError(f"--set '{change}': write KEY=VALUE, such as train.steps=100")
    place: Any = content
    for name in parents:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set '{change}': {name} holds no keys")
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set '{change}': the value is no YAML ({error})") from error


def locate(root: Path, path: str) -> Path:
    """Return where a recipe's path leads: into the data folder, or as it stands if that exists."""
    inside, outside = root / path, Path(path)
    return outside if outside.exists() and not inside.exists() else inside


def differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = '') -> list[str]:
    """Return the keys, such as train.steps, by which the values of two recipes differ."""
    found = []
    for key in {**old, **new}:
        before, now = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += differences(before, now, f'{where}{key}.')
        elif before != now:
            found.append(f'{where}{key}')
    return found


def build(kind: type[T], content: Any, where: str) -> T:
    """
    Make a dataclass of the values of a YAML mapping, nested ones too.

    :raises ConfigError: where a key is unknown or missing, or a value of another type.
    """
    if not isinstance(content, Mapping):
        raise ConfigError(f'{where}: is {content!r}; give keys and values')
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    values = {str(key): value for key, value in content.items()}
    if kind is FrameSet:
        # A reader's own options stand beside the keys that all sets have.
        known.remove('options')
        options = {key: values.pop(key) for key in [*values] if key not in known}
    for key in values:
        if key not in known:
            raise ConfigError(f"{where}: there is no key '{key}'; the keys are "
                              f'{", ".join(known)}')
    built = {key: _convert(hints[key], value, f'{where}: {key}') for key, value in values.items()}
    if kind is FrameSet:
        built['options'] = options
    try:
        return kind(**built)
    except TypeError as error:
        raise ConfigError(f'{where}: {_reason(error)}') from error
    except ConfigError as error:
        raise ConfigError(f'{where}: {error}') from error


def _reason(error: TypeError) -> str:
    """Return what Python says of a missing argument, in a user's words."""
    return str(error).rpartition('__init__() ')[2].replace(
        'required positional argument', 'key').replace('missing', 'lacks')


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if not isinstance(value, list | tuple):
            raise ConfigError(f'{where} is {value!r}; give a list')
        if len(inner) == 2 and inner[1] is not Ellipsis and len(value) != 2:
            raise ConfigError(f'{where} is {value!r}; give two values')
        return tuple(_convert(inner[0], item, f'{where}[{number}]')
                     for number, item in enumerate(value))
    if hint is float:
        value = _number(value)
    allowed = Mapping if get_origin(hint) is not None else hint
    if not isinstance(value, allowed) or (isinstance(value, bool) and hint is not bool):
        wanted = {int: 'a whole number', float: 'a number', str: 'a text, in quotes where needed',
                  bool: 'true or false'}.get(hint, 'keys and values')
        raise ConfigError(f'{where} is {value!r}; give {wanted}')
    return value


def _number(value: Any) -> Any:
    """Return what YAML gives for a finite number as float, all else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        # YAML takes 1e-3, without a point, for a text.
        number = float(value)
    except (ValueError, OverflowError):
        return value
    return number if math.isfinite(number) else str(value)
