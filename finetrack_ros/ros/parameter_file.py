# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write ``config/tracker.yaml`` from the table of parameters.

``python -m finetrack_ros.ros.parameter_file config/tracker.yaml``, after a change of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
import sys
import textwrap

from finetrack_ros.ros.parameters import PARAMETERS, ParameterSpec, TRACKER_PREFIX, Value

_WIDTH = 99
_HEAD = """\
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Parameters of the tracker node with their defaults. Copy this file, keep the lines you change,
# and pass it on:
#   ros2 launch finetrack_ros tracker.launch.py params_file:=/path/to/my.yaml
# Those marked (r) may change while the node runs: ros2 param set /tracker NAME VALUE
/**:
  ros__parameters:
"""


def parameter_file(specs: Iterable[ParameterSpec] = PARAMETERS) -> str:
    """Return a parameter file with the defaults, each under its description and range."""
    tracker = [spec for spec in specs if spec.name.startswith(TRACKER_PREFIX)]
    node = [spec for spec in specs if spec not in tracker]
    entries = ['\n'.join(_entry(spec.name, spec, '    ')) for spec in node]
    nested = ['\n'.join(_entry(spec.name[len(TRACKER_PREFIX):], spec, '      '))
              for spec in tracker]
    entries.append('    tracker:\n' + '\n\n'.join(nested))
    return _HEAD + '\n\n'.join(entries) + '\n'


def _entry(name: str, spec: ParameterSpec, indent: str) -> Iterator[str]:
    text = spec.description + '.'
    if spec.choices:
        text += f' One of {", ".join(spec.choices)}.'
    elif spec.minimum is not None:
        text += f' {spec.minimum:g} to {spec.maximum:g}.'
    if spec.runtime:
        text += ' (r)'
    for line in textwrap.wrap(text, _WIDTH - len(indent) - 2):
        yield f'{indent}# {line}'
    yield f'{indent}{name}: {_scalar(spec.default)}'


def _scalar(value: Value) -> str:
    """Return a value as YAML; a float keeps its point, without which ROS reads an integer."""
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == '__main__':
    Path(sys.argv[1]).write_text(parameter_file(), encoding='utf-8')
