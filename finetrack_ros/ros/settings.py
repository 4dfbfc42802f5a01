# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The values of the node's parameters: given, checked, changed while the node runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import difflib
import functools
from typing import Any

from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter
import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.inference.classes import ALL, choose_classes
from finetrack_ros.ros.launching import check_cameras
from finetrack_ros.ros.parameters import (
    BY_NAME,
    PARAMETERS,
    ParameterSpec,
    PRESET,
    TRACKER_PREFIX,
    Value,
)
from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_path

# Declared by rclpy itself, and possibly given in a parameter file.
_BUILT_IN = ('use_sim_time', 'start_type_description_service')
_BUILT_IN_PREFIX = 'qos_overrides.'


@dataclass(frozen=True)
class Settings:
    """
    The parameters in force at one time; replaced as a whole, so that no reader sees a mixture.

    :ivar values: value of each parameter of the table.
    :ivar tracker: the tracker's configuration that they make.
    """

    values: Mapping[str, Any]
    tracker: TrackerConfig

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Return the settings that the values make."""
        return cls(values, tracker_config(values))

    @property
    def foreign_detections(self) -> bool:
        """Return whether another detector's detections are tracked."""
        return bool(self.values['detector'] == 'topic')

    @property
    def needs_images(self) -> bool:
        """Return whether images and a model are needed at all."""
        return not self.foreign_detections or bool(self.values['embeddings'])

    @property
    def foreign_classes(self) -> frozenset[str]:
        """Return the class ids that are tracked of another detector's; none where all are."""
        names = frozenset(self.values['classes']) - {''}
        return frozenset() if ALL in names else names

    @property
    def cameras(self) -> list[str]:
        """Return the names of the cameras, '' for one with the plain topics."""
        return list(self.values['cameras']) or ['']


@functools.cache
def preset_values(name: str) -> dict[str, Any]:
    """
    Return the value of each ``tracker.*`` parameter in a preset.

    :raises ConfigError: when there is no preset of that name.
    """
    changes = yaml.safe_load(preset_path(name).read_text(encoding='utf-8'))
    config = TrackerConfig.from_mapping(changes or {})
    return {TRACKER_PREFIX + field: value for field, value in vars(config).items()}


def declare_parameters(node: Node) -> set[str]:
    """
    Declare the whole table on a node, and return the names that the user gave.

    The node must be made with ``automatically_declare_parameters_from_overrides``: that is the
    public way to see which names the user gave, so that a misspelt one is not ignored in silence.

    :raises ConfigError: for an unknown name, a wrong type, or a value out of range.
    """
    given = {name: parameter.value for name, parameter in node.get_parameters_by_prefix('').items()
             if name not in _BUILT_IN and not name.startswith(_BUILT_IN_PREFIX)}
    for name, value in given.items():
        if name not in BY_NAME:
            raise ConfigError(_unknown(name))
        given[name] = _of_type(BY_NAME[name], value)
    preset = given.get(PRESET, BY_NAME[PRESET].default)
    _check_choice(BY_NAME[PRESET], preset)
    values = {spec.name: spec.default for spec in PARAMETERS} | preset_values(preset) | given
    for name, value in values.items():
        if name in given:
            node.undeclare_parameter(name)
        try:
            node.declare_parameter(
                name, value, BY_NAME[name].descriptor(), ignore_override=True)
        except InvalidParameterValueException as error:
            raise ConfigError(f"parameter '{name}' is {value!r}: {error}") from error
    check_values(values)
    return set(given)


def _of_type(spec: ParameterSpec, value: Any) -> Value:
    """Return a given value in the parameter's type; a whole number may stand for a float."""
    if isinstance(spec.default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(spec.default) or (
            isinstance(value, list) and not all(isinstance(entry, str) for entry in value)):
        raise ConfigError(f"parameter '{spec.name}' is {value!r}: give a value of type "
                          f'{spec.type.name.lower()}, such as {spec.default!r}')
    return value


def read_parameters(node: Node) -> dict[str, Any]:
    """Return the present value of each parameter of the table."""
    return {spec.name: node.get_parameter(spec.name).value for spec in PARAMETERS}


def with_preset(changes: Iterable[Parameter], given: Iterable[str]) -> list[Parameter]:
    """
    Return changes together with those that a change of the preset brings about.

    :param given: names of the parameters that the user has given, which stay as they are.
    """
    result = {change.name: change for change in changes}
    preset = result.get(PRESET)
    if preset is None or preset.value not in BY_NAME[PRESET].choices:
        return list(result.values())
    for name, value in preset_values(preset.value).items():
        if name not in given:
            result.setdefault(name, Parameter(name, BY_NAME[name].type, value))
    return list(result.values())


def kept_values(values: Mapping[str, Any], given: Iterable[str]) -> str:
    """Return in words which given values win over the preset in force; '' where none do."""
    kept = [f'{name} {values[name]}' for name, value in preset_values(values[PRESET]).items()
            if name in given and values[name] != value]
    return f'kept as you gave it: {", ".join(kept)}' if kept else ''


def changed_values(values: Mapping[str, Any], changes: Iterable[Parameter],
                   configured: bool) -> dict[str, Any]:
    """
    Return ``values`` with all changes applied, or refuse all of them.

    :param configured: whether the node holds a model; then only run-time parameters may change.
    :raises ConfigError: naming the parameter and why its value was refused.
    """
    result = dict(values)
    for change in changes:
        spec = BY_NAME.get(change.name)
        if spec is None:
            if change.name in _BUILT_IN or change.name.startswith(_BUILT_IN_PREFIX):
                continue
            raise ConfigError(_unknown(change.name))
        if configured and not spec.runtime and change.value != values[change.name]:
            raise ConfigError(
                f"parameter '{change.name}' cannot change while the node is configured: "
                'deactivate and clean up the node first, or set it in the parameter file')
        result[change.name] = change.value
    check_values(result)
    return result


def check_classes(values: Mapping[str, Any], runner: FineTrackRunner | None) -> None:
    """Raise ConfigError where classes are asked for that the model in use does not know."""
    if runner is not None and values['detector'] == 'own':
        try:
            choose_classes(values['classes'], runner.class_names)
        except ConfigError as error:
            raise ConfigError(f"parameter 'classes': {error}") from error


def check_values(values: Mapping[str, Any]) -> None:
    """Raise ConfigError where a word is not among its choices or values do not go together."""
    for name, value in values.items():
        _check_choice(BY_NAME[name], value)
    if values['cameras'] != ['']:
        check_cameras(values['cameras'], "parameter 'cameras'")
    tracker_config(values)


def _check_choice(spec: ParameterSpec, value: Any) -> None:
    if spec.choices and value not in spec.choices:
        raise ConfigError(
            f"parameter '{spec.name}' is '{value}': give one of {', '.join(spec.choices)}")


def tracker_config(values: Mapping[str, Any]) -> TrackerConfig:
    """Return the tracker's configuration that the ``tracker.*`` parameters make."""
    return TrackerConfig.from_mapping({
        name[len(TRACKER_PREFIX):]: value for name, value in values.items()
        if name.startswith(TRACKER_PREFIX) and name != PRESET})


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, BY_NAME, n=1)
    remedy = (f"did you mean '{close[0]}'?" if close
              else 'config/tracker.yaml lists all parameters')
    return f"unknown parameter '{name}': {remedy}"
