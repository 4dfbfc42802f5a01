# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declare a table of parameters on a node, and refuse what the user gave in error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
import difflib
from typing import Any

from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.parameters import ParameterSpec, Value

# Declared by rclpy itself, and possibly given in a parameter file.
_BUILT_IN = ('use_sim_time', 'start_type_description_service')
_BUILT_IN_PREFIX = 'qos_overrides.'


def is_built_in(name: str) -> bool:
    """Return whether rclpy declares the parameter."""
    return name in _BUILT_IN or name.startswith(_BUILT_IN_PREFIX)


def given_values(node: Node, specs: Mapping[str, ParameterSpec], page: str,
                 numbers_as_text: Collection[str] = ()) -> dict[str, Value]:
    """
    Return the values that the user gave, by name.

    The node must be made with ``automatically_declare_parameters_from_overrides``: that is the
    public way to see which names the user gave, so that a misspelt one is not ignored in silence.

    :param page: what lists all parameters.
    :param numbers_as_text: names of texts that may look like a whole number.
    :raises ConfigError: for an unknown name or a wrong type.
    """
    given = {}
    for name, parameter in node.get_parameters_by_prefix('').items():
        if is_built_in(name):
            continue
        if name not in specs:
            raise ConfigError(unknown_parameter(name, specs, page))
        value = parameter.value
        if name in numbers_as_text and type(value) is int:
            value = str(value)
        given[name] = _of_type(specs[name], value)
    return given


def declare_values(node: Node, specs: Mapping[str, ParameterSpec], values: Mapping[str, Any],
                   given: Collection[str], read_only: bool = False) -> None:
    """
    Declare parameters with their values.

    :param given: names of those that rclpy has declared already.
    :raises ConfigError: for a value out of range or not among the choices.
    """
    for name, value in values.items():
        if name in given:
            node.undeclare_parameter(name)
        check_choice(specs[name], value)
        descriptor = specs[name].descriptor()
        descriptor.read_only = read_only
        try:
            node.declare_parameter(name, value, descriptor, ignore_override=True)
        except InvalidParameterValueException as error:
            raise ConfigError(f"parameter '{name}' is {value!r}: {error}") from error


def _of_type(spec: ParameterSpec, value: Any) -> Value:
    """Return a given value in the parameter's type; a whole number may stand for a float."""
    if isinstance(spec.default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(spec.default) or (
            isinstance(value, list) and not all(isinstance(entry, str) for entry in value)):
        raise ConfigError(f"parameter '{spec.name}' is {value!r}: give a value of type "
                          f'{spec.type.name.lower()}, such as {spec.default!r}')
    return value


def check_choice(spec: ParameterSpec, value: Any) -> None:
    """Raise ConfigError where a value is not among its parameter's choices."""
    if spec.choices and value not in spec.choices:
        raise ConfigError(
            f"parameter '{spec.name}' is '{value}': give one of {', '.join(spec.choices)}")


def unknown_parameter(name: str, specs: Mapping[str, ParameterSpec], page: str) -> str:
    """Return a sentence about a parameter that there is not."""
    close = difflib.get_close_matches(name, specs, n=1)
    remedy = f"did you mean '{close[0]}'?" if close else f'{page} lists all parameters'
    return f"unknown parameter '{name}': {remedy}"
