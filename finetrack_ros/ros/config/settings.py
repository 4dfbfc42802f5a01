# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The values of the node's parameters: given, checked, changed while the node runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import functools
from typing import Any

from rclpy.node import Node
from rclpy.parameter import Parameter

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference.classes import choose_classes
from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.declaration import (
    check_choice,
    declare_values,
    given_values,
    is_built_in,
    unknown_parameter,
)
from finetrack_ros.ros.config.launching import check_cameras
from finetrack_ros.ros.config.node_config import PRESET, tracker_config, TRACKER_PREFIX
from finetrack_ros.ros.config.parameters import (
    BY_NAME,
    PARAMETERS,
)
from finetrack_ros.tracking import TrackerConfig

#: What lists all parameters.
PAGE = 'config/tracker.yaml'


@functools.cache
def preset_values(name: str) -> dict[str, Any]:
    """
    Return the value of each ``tracker.*`` parameter in a preset.

    :raises ConfigError: when there is no preset of that name.
    """
    config = TrackerConfig.from_preset(name)
    return {TRACKER_PREFIX + field: value for field, value in vars(config).items()}


def declare_parameters(node: Node) -> set[str]:
    """
    Declare the whole table on a node, and return the names that the user gave.

    :raises ConfigError: for an unknown name, a wrong type, or a value out of range.
    """
    given = given_values(node, BY_NAME, PAGE)
    preset = given.get(PRESET, BY_NAME[PRESET].default)
    check_choice(BY_NAME[PRESET], preset)
    values = {spec.name: spec.default for spec in PARAMETERS} | preset_values(str(preset)) | given
    declare_values(node, BY_NAME, values, given)
    check_values(values)
    return set(given)


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
            if is_built_in(change.name):
                continue
            raise ConfigError(unknown_parameter(change.name, BY_NAME, PAGE))
        if configured and not spec.runtime and change.value != values[change.name]:
            raise ConfigError(
                f"parameter '{change.name}' cannot change while the node is configured: "
                'deactivate and clean up the node first, or set it in the parameter file')
        result[change.name] = change.value
    check_values(result)
    return result


def check_classes(values: Mapping[str, Any], model: Model | None) -> None:
    """Raise ConfigError where classes are asked for that the model in use does not know."""
    if model is not None and values['detector'] == 'own':
        try:
            choose_classes(values['classes'], model.class_names)
        except ConfigError as error:
            raise ConfigError(f"parameter 'classes': {error}") from error


def check_values(values: Mapping[str, Any]) -> None:
    """Raise ConfigError where a word is not among its choices or values do not go together."""
    for name, value in values.items():
        check_choice(BY_NAME[name], value)
    if values['cameras'] != ['']:
        check_cameras(values['cameras'], "parameter 'cameras'")
    tracker_config(values)
