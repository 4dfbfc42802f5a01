# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write ``config/tracker.yaml`` and ``docs/parameters.md`` from the table of parameters.

``python -m finetrack_ros.ros.config.parameter_file`` in the root of the source tree, after a
change of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
import re
import sys
import textwrap

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.node_config import PRESET, SECTIONS, TRACKER_PREFIX
from finetrack_ros.ros.config.parameters import PARAMETERS, ParameterSpec

_WIDTH = 99
_HEAD = """\
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Parameters of the tracker node with their defaults. Copy this file, keep the lines you change,
# and pass it on:
#   ros2 launch finetrack_ros tracker.launch.py params_file:=/path/to/my.yaml
# Those marked (r) may change while the node runs: ros2 param set /tracker NAME VALUE
# The lines below tracker.preset are commented out, as what stands here wins over the preset.
/**:
  ros__parameters:
"""
_TITLE = """\
# Parameters of the tracker node

<!-- Written by: python -m finetrack_ros.ros.config.parameter_file -->

[config/tracker.yaml](../config/tracker.yaml) holds the same as a file to copy: keep the lines you
change and give it to the launch file as `params_file:=/path/to/my.yaml`. `ros2 param describe
/tracker NAME` says the same of a running node. ROS cannot read an empty list, so that `['']`
stands for none in `cameras` and `classes`.

The column *changes* says when a value may change: *running* ones at any time with `ros2 param set
/tracker NAME VALUE`, or several together through the service `~/set_parameters_atomically`; the
others only while the node is unconfigured (`ros2 lifecycle set /tracker deactivate`, then
`cleanup`). A refused change leaves every value as it was. The node has `use_sim_time`, too, as
every node has.
"""
_COLUMNS = ('parameter', 'type', 'default', 'values', 'changes', 'meaning')

_TRACKER_HEADING = 'Tracker'


def parameter_file(specs: Iterable[ParameterSpec] = PARAMETERS) -> str:
    """Return a parameter file with the defaults, each under its description and range."""
    specs = tuple(specs)
    tracker = [spec for spec in specs if spec.name.startswith(TRACKER_PREFIX)]
    node = [spec for spec in specs if spec not in tracker]
    entries = ['\n'.join(_entry(spec.name, spec, '    ')) for spec in node]
    nested = ['\n'.join(_entry(spec.name[len(TRACKER_PREFIX):], spec, '      ',
                               '' if spec.name == PRESET else '# '))
              for spec in tracker]
    entries.append('    tracker:\n' + '\n\n'.join(nested))
    return _HEAD + '\n\n'.join(entries) + '\n'


def parameter_page(specs: Iterable[ParameterSpec] = PARAMETERS) -> str:
    """Return the parameters as a Markdown page, one table for each part of the node."""
    parts: dict[str, list[ParameterSpec]] = {
        heading: [] for heading in (*SECTIONS, _TRACKER_HEADING)}
    for spec in specs:
        parts[_heading(spec.name)].append(spec)
    lines = [_TITLE]
    for heading, rows in parts.items():
        lines += [f'## {heading}', '', _row(_COLUMNS), '|---' * len(_COLUMNS) + '|',
                  *(_row(_cells(spec)) for spec in rows), '']
    return '\n'.join(lines)


def _heading(name: str) -> str:
    """Return the heading that a parameter stands under."""
    if name.startswith(TRACKER_PREFIX):
        return _TRACKER_HEADING
    return next(heading for heading, (_, section) in SECTIONS.items()
                if name in section.__dataclass_fields__)


def _row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'


def _cells(spec: ParameterSpec) -> tuple[str, ...]:
    values = ', '.join(f'`{choice}`' for choice in spec.choices) or _range(spec)
    changes = 'running' if spec.runtime else 'unconfigured'
    kind = spec.type.name.lower().replace('_array', '[]')
    return (f'`{spec.name}`', kind, f'`{_scalar(spec.default)}`', values, changes,
            _plain(spec.description))


def _range(spec: ParameterSpec) -> str:
    """Return the range of a number, '' where there is none."""
    if spec.minimum is None or spec.maximum is None:
        return ''
    return f'{spec.minimum:.15g} to {spec.maximum:.15g}'


def _plain(text: str) -> str:
    r"""Return a text that Markdown shows as it is, such as ``\~/markers``."""
    return re.sub(r'([\\`*~<|])', r'\\\1', text)


def _entry(name: str, spec: ParameterSpec, indent: str, comment: str = '') -> Iterator[str]:
    text = spec.description + '.'
    if spec.choices:
        text += f' One of {", ".join(spec.choices)}.'
    elif spec.minimum is not None:
        text += f' {_range(spec)}.'
    if spec.runtime:
        text += ' (r)'
    for line in textwrap.wrap(text, _WIDTH - len(indent) - 2):
        yield f'{indent}# {line}'
    yield f'{indent}{comment}{name}: {_scalar(spec.default)}'


def _scalar(value: object) -> str:
    """Return a value as YAML; a float keeps its point, without which ROS reads an integer."""
    if isinstance(value, (list, tuple)):
        return f'[{", ".join(map(_scalar, value))}]'
    if value == '':
        return "''"
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_files(root: Path) -> list[Path]:
    """
    Write both files below the root of a source tree and return their paths.

    :raises ConfigError: where the folder is no source tree of this package.
    """
    if not (root / 'package.xml').is_file():
        raise ConfigError(f"{root.resolve()} holds no package.xml: run this in the root of "
                          "finetrack_ros' source tree")
    texts = {root / 'config' / 'tracker.yaml': parameter_file(),
             root / 'docs' / 'parameters.md': parameter_page()}
    for path, text in texts.items():
        path.write_text(text, encoding='utf-8')
    return list(texts)


if __name__ == '__main__':
    try:
        print(*write_files(Path()), sep='\n')
    except ConfigError as error:
        sys.exit(str(error))
