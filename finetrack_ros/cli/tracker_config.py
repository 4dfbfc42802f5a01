# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracker parameters from a YAML file, the node's parameter file included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_names, preset_path

_ROS_KEY = 'ros__parameters'
_PREFIX = 'tracker'


def read_tracker_config(path: Path | None) -> TrackerConfig:
    """
    Read tracker parameters; None gives the defaults.

    A preset's name stands for its file. Two forms are understood: a plain mapping of field names
    to values, and a ROS parameter file, of which the ``tracker.*`` parameters of the first node
    are taken.

    :raises ConfigError: where the file is unreadable, or a parameter is unknown or out of range.
    """
    if path is None:
        return TrackerConfig()
    if str(path) in preset_names():
        path = preset_path(str(path))
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())
        raise ConfigError(f"Tracker parameters '{path}' cannot be read ({reason}). Give one of "
                          f'the presets {", ".join(preset_names())}, or a YAML file such as: '
                          'high_score: 0.6') from error
    try:
        return TrackerConfig.from_mapping(_ros_parameters(_mapping(content)))
    except ConfigError as error:
        raise ConfigError(f"Tracker parameters '{path}': {error}") from error


def _mapping(content: Any) -> dict[Any, Any]:
    """Return what a file says of several parameters, nothing at all included."""
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f'{content!r} is no mapping. Write one line per parameter, such as: '
                          'high_score: 0.6')
    return content or {}


def _ros_parameters(content: dict[str, Any]) -> dict[str, Any]:
    """Return the tracker's part of a ROS parameter file, or the mapping itself if it is none."""
    for node in content.values():
        if isinstance(node, dict) and _ROS_KEY in node:
            parameters = _mapping(node[_ROS_KEY])
            dotted = {str(key).removeprefix(f'{_PREFIX}.'): value
                      for key, value in parameters.items() if str(key).startswith(f'{_PREFIX}.')}
            own = {**_mapping(parameters.get(_PREFIX)), **dotted}
            # As in the node: what is given itself wins over the preset.
            preset = own.pop('preset', 'default')
            return {**yaml.safe_load(preset_path(preset).read_text(encoding='utf-8')), **own}
    return content
