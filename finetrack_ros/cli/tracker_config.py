# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracker parameters from a YAML file, the node's parameter file included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.io.ros_parameters import (
    holds_parameters,
    is_for_node,
    mentions_parameters,
    node_parameters,
    PARAMETERS_KEY,
)
from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_names, preset_path, preset_values

_NODE = 'tracker'
_PREFIX = 'tracker.'


def read_tracker_config(path: Path | None) -> TrackerConfig:
    """
    Read tracker parameters; None gives the defaults.

    A preset's name stands for its file. Two forms are understood: a plain mapping of field names
    to values, and a ROS parameter file, of which the ``tracker.*`` parameters of the nodes named
    ``tracker`` (``/**`` is any) are taken; where there is no such node, those of the only node
    that has some.

    :raises ConfigError: where the file is unreadable, or a parameter is unknown or out of range.
    """
    if path is None:
        return TrackerConfig()
    if str(path) in preset_names():
        path = preset_path(str(path))
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8-sig'))
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
    if not mentions_parameters(content):
        return content
    if not holds_parameters(content):
        raise ConfigError(f"is no mapping of nodes to '{PARAMETERS_KEY}' throughout. Write all "
                          "below two lines, '/**:' and '  ros__parameters:'")
    nodes = {name: _tracker_part(values) for name, values in node_parameters(content).items()}
    chosen = [name for name in nodes if is_for_node(name, _NODE)]
    if not any(nodes[name] for name in chosen):
        chosen = [name for name, values in nodes.items() if values]
        if len(chosen) > 1:
            raise ConfigError(f'has parameters of the tracker for several nodes, '
                              f"{', '.join(chosen)}, and none is '{_NODE}'. Keep one of them")
    named = [name for name in chosen if nodes[name] and '*' not in name]
    if len(named) > 1:
        raise ConfigError(f"has parameters of several trackers, {', '.join(named)}. Keep one of "
                          'them')
    own = {name: value for node in chosen for name, value in nodes[node].items()}
    # As in the node: what is given itself wins over the preset.
    preset = own.pop('preset', 'default')
    if preset not in preset_names():
        raise ConfigError(f"preset is {preset!r}: give one of {', '.join(preset_names())}")
    return {**preset_values(preset), **own}


def _tracker_part(parameters: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(parameters.get(_NODE, {}), dict):
        raise ConfigError(f'{parameters[_NODE]!r} of {_NODE} is no mapping. Write one line per '
                          'parameter, such as: high_score: 0.6')
    return {name.removeprefix(_PREFIX): value for name, value in parameters.items()
            if name.startswith(_PREFIX)}
