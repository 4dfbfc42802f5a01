# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the tracker node as one table.

Declaration, range checks, run-time changes, ``config/tracker.yaml`` and the documentation all
follow from :data:`PARAMETERS`. The ``tracker.*`` rows come from the fields of
:class:`finetrack_ros.tracking.TrackerConfig`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
import dataclasses
from dataclasses import dataclass
import difflib
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from finetrack_ros.errors import ConfigError
from finetrack_ros.tracking import TrackerConfig

Value = bool | int | float | str

TRACKER_PREFIX = 'tracker.'

_TYPES = {bool: Parameter.Type.BOOL, int: Parameter.Type.INTEGER,
          float: Parameter.Type.DOUBLE, str: Parameter.Type.STRING}

# Declared by rclpy itself, and possibly given in a parameter file.
_BUILT_IN = ('use_sim_time', 'start_type_description_service')
_BUILT_IN_PREFIX = 'qos_overrides.'


@dataclass(frozen=True)
class ParameterSpec:
    """One row of the table; the type is that of the default."""

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    step: int = 0
    choices: tuple[str, ...] = ()
    runtime: bool = False
    """Whether it may change while the node is configured."""

    @property
    def type(self) -> Parameter.Type:
        """Return the ROS type."""
        return _TYPES[type(self.default)]

    def descriptor(self) -> ParameterDescriptor:
        """Return the descriptor that ``ros2 param describe`` shows."""
        constraints = [f'one of {", ".join(self.choices)}'] if self.choices else []
        if not self.runtime:
            constraints.append('changes only while the node is unconfigured')
        descriptor = ParameterDescriptor(
            name=self.name, type=self.type.value, description=self.description,
            additional_constraints='; '.join(constraints))
        if self.minimum is not None and self.maximum is not None:
            if self.type == Parameter.Type.INTEGER:
                descriptor.integer_range = [IntegerRange(
                    from_value=int(self.minimum), to_value=int(self.maximum), step=self.step)]
            else:
                descriptor.floating_point_range = [FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum))]
        return descriptor


def _tracker_specs() -> list[ParameterSpec]:
    """Return one row for each field of the tracker's configuration."""
    specs = []
    defaults = TrackerConfig()
    for field in dataclasses.fields(TrackerConfig):
        meta = field.metadata
        specs.append(ParameterSpec(
            TRACKER_PREFIX + field.name, getattr(defaults, field.name), meta['description'],
            meta['minimum'], meta['maximum'], choices=tuple(meta.get('choices', ())),
            runtime=True))
    return specs


#: All parameters of the tracker node, in the order in which they are documented.
PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        'model', 'finetrack_nano',
        'Name of a shipped model, or path of a folder with detector.onnx and embedder.onnx'),
    ParameterSpec(
        'engine', 'auto', 'Inference engine; auto takes the fastest that works here'),
    ParameterSpec(
        'device', 'auto', 'Device of the engine, such as cpu, cuda or cuda:1'),
    ParameterSpec(
        'input_size', 0,
        "Long side of the network's input in pixels, a multiple of 32; 0 takes the model's own",
        0, 4096, step=32),
    ParameterSpec(
        'score_threshold', 0.1, 'Detections with a lower score are not given to the tracker',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'nms_threshold', 0.7, 'Overlap (IoU) above which the weaker of two detections is dropped',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'max_detections', 300, 'Most detections of one image; the strongest are kept', 1, 10000,
        runtime=True),
    ParameterSpec(
        'autostart', True,
        'Configure and activate the node by itself; false leaves it to a lifecycle manager'),
    ParameterSpec(
        'image_transport', 'raw',
        "raw subscribes to the image topic itself, compressed to '<image topic>/compressed'",
        choices=('raw', 'compressed')),
    ParameterSpec(
        'reliability', 'auto',
        'Reliability asked of the image publisher; auto asks what the publishers offer',
        choices=('auto', 'best_effort', 'reliable')),
    ParameterSpec(
        'class_id', 'name', 'What results[0].hypothesis.class_id holds: the name or the index',
        choices=('name', 'index'), runtime=True),
    ParameterSpec(
        'keep_tracks', False,
        'Keep the tracks when the node is deactivated and activated again'),
    ParameterSpec(
        'marker_scale', 0.01, 'Metres per pixel of ~/markers in the frame of the image',
        1e-6, 1000.0, runtime=True),
    ParameterSpec(
        'max_age', 0.5,
        'Diagnostics warn where half of the frames are older (seconds, stamp to publication)',
        0.0, 3600.0, runtime=True),
    ParameterSpec(
        'max_drop_ratio', 0.5,
        'Diagnostics warn where a larger share of the images was replaced by newer ones',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'image_timeout', 3.0, 'Diagnostics warn where no image came for so many seconds',
        0.1, 3600.0, runtime=True),
    *_tracker_specs(),
)

_BY_NAME: dict[str, ParameterSpec] = {spec.name: spec for spec in PARAMETERS}


def declare_parameters(node: Node) -> None:
    """
    Declare the whole table on a node.

    The node must be made with ``automatically_declare_parameters_from_overrides``: that is the
    public way to see which names the user gave, so that a misspelt one is not ignored in silence.

    :raises ConfigError: for an unknown name, a wrong type, or a value out of range.
    """
    given = node.get_parameters_by_prefix('')
    for name in given:
        if name not in _BY_NAME and name not in _BUILT_IN and not name.startswith(
                _BUILT_IN_PREFIX):
            raise ConfigError(_unknown(name))
    for spec in PARAMETERS:
        value = spec.default
        if spec.name in given:
            value = _of_type(spec, given[spec.name].value)
            node.undeclare_parameter(spec.name)
        try:
            node.declare_parameter(spec.name, value, spec.descriptor(), ignore_override=True)
        except InvalidParameterValueException as error:
            raise ConfigError(f"parameter '{spec.name}' is {value!r}: {error}") from error
    check_values(read_parameters(node))


def _of_type(spec: ParameterSpec, value: Any) -> Value:
    """Return a given value in the parameter's type; a whole number may stand for a float."""
    if isinstance(spec.default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(spec.default):
        raise ConfigError(f"parameter '{spec.name}' is {value!r}: give a value of type "
                          f'{spec.type.name.lower()}, such as {spec.default!r}')
    return value


def read_parameters(node: Node) -> dict[str, Any]:
    """Return the present value of each parameter of the table."""
    return {spec.name: node.get_parameter(spec.name).value for spec in PARAMETERS}


def changed_values(values: Mapping[str, Any], changes: Iterable[Parameter],
                   configured: bool) -> dict[str, Any]:
    """
    Return ``values`` with all changes applied, or refuse all of them.

    :param configured: whether the node holds a model; then only run-time parameters may change.
    :raises ConfigError: naming the parameter and why its value was refused.
    """
    result = dict(values)
    for change in changes:
        spec = _BY_NAME.get(change.name)
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


def check_values(values: Mapping[str, Any]) -> None:
    """Raise ConfigError where a word is not among its choices or the tracker refuses a value."""
    for name, value in values.items():
        choices = _BY_NAME[name].choices
        if choices and value not in choices:
            raise ConfigError(f"parameter '{name}' is '{value}': give one of {', '.join(choices)}")
    tracker_config(values)


def tracker_config(values: Mapping[str, Any]) -> TrackerConfig:
    """Return the tracker's configuration that the ``tracker.*`` parameters make."""
    return TrackerConfig.from_mapping({
        name[len(TRACKER_PREFIX):]: value for name, value in values.items()
        if name.startswith(TRACKER_PREFIX)})


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, _BY_NAME, n=1)
    remedy = (f"did you mean '{close[0]}'?" if close
              else 'config/tracker.yaml lists all parameters')
    return f"unknown parameter '{name}': {remedy}"
