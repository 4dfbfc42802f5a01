# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter files of ROS 2 as rcl reads them: several nodes, namespaces, wildcards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PARAMETERS_KEY = 'ros__parameters'


def holds_parameters(content: Any) -> bool:
    """Return whether each branch comes to ros__parameters before it comes to a value."""
    return isinstance(content, dict) and bool(content) and all(
        inner is None or isinstance(inner, dict) if name == PARAMETERS_KEY
        else holds_parameters(inner)
        for name, inner in content.items())


def mentions_parameters(content: Any) -> bool:
    """Return whether ros__parameters stands anywhere in a file: it is, or is meant, for ROS."""
    return isinstance(content, dict) and (PARAMETERS_KEY in content or any(
        mentions_parameters(inner) for inner in content.values()))


def node_parameters(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """
    Return the parameters of each node of a file, in its order.

    :param content: of which :func:`holds_parameters` is true.
    :return: by the node's full name or pattern, such as ``/robot/tracker`` or ``/**/tracker``:
        values by full parameter name, such as ``tracker.high_score``.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, parameters in _nodes('', content):
        found.setdefault(name, {}).update(_flat('', parameters))
    return found


def _nodes(prefix: str, content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in content.items():
        if name == PARAMETERS_KEY:
            yield prefix, inner or {}
        else:
            yield from _nodes(f'{prefix}/{str(name).strip("/")}', inner)


def _flat(prefix: str, parameters: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(f'{prefix}{name}.', value)
        else:
            yield f'{prefix}{name}', value


def is_for_node(pattern: str, node: str) -> bool:
    """Return whether a node of this name, in some namespace, takes what is given for a pattern."""
    return pattern.rpartition('/')[2] in (node, '*', '**')
