# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the tracker node as one table, made from its configuration.

Declaration, range checks, run-time changes, ``config/tracker.yaml`` and the documentation all
follow from :data:`PARAMETERS`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.parameter import Parameter

from finetrack_ros.ros.config.node_config import PRESET, PRESET_FIELD, SECTIONS, TRACKER_PREFIX
from finetrack_ros.tracking import TrackerConfig

Value = bool | int | float | str | list[str]

_TYPES = {bool: Parameter.Type.BOOL, int: Parameter.Type.INTEGER,
          float: Parameter.Type.DOUBLE, str: Parameter.Type.STRING,
          list: Parameter.Type.STRING_ARRAY}


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


def _spec(name: str, field: dataclasses.Field[Any], **more: Any) -> ParameterSpec:
    """Return the row of a field."""
    default: Any = list(field.default) if isinstance(field.default, tuple) else field.default
    return ParameterSpec(name, default, **{**field.metadata, **more})


def _specs() -> list[ParameterSpec]:
    rows = [_spec(field.name, field) for _, section in SECTIONS.values()
            for field in dataclasses.fields(section)]
    rows.append(_spec(PRESET, PRESET_FIELD))
    return rows + [_spec(TRACKER_PREFIX + field.name, field, runtime=True)
                   for field in dataclasses.fields(TrackerConfig)]


#: All parameters of the tracker node, in the order in which they are documented.
PARAMETERS: tuple[ParameterSpec, ...] = tuple(_specs())

#: The same by their names.
BY_NAME: dict[str, ParameterSpec] = {spec.name: spec for spec in PARAMETERS}
