# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rooms of the package import one way only, and heavy libraries only where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path
import subprocess
import sys

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / 'finetrack_ros'

BOTTOM = {'errors', 'geometry', 'detections'}
CORE = {*BOTTOM, 'tracking', 'io', 'protocols', 'inference', 'motion', 'perception', 'stream',
        'pipeline'}
# What each room may import from, besides itself.
BELOW = {
    'errors': set(),
    'faults': set(),
    'geometry': {'errors'},
    'detections': {'errors', 'geometry'},
    'tracking': BOTTOM,
    'io': {*BOTTOM, 'tracking'},
    'motion': BOTTOM,
    'models': BOTTOM,
    'protocols': {*BOTTOM, 'tracking'},
    'inference': {*BOTTOM, 'protocols'},
    'interop': {*BOTTOM, 'tracking'},
    'perception': {*BOTTOM, 'inference', 'protocols'},
    'stream': {*BOTTOM, 'inference', 'motion', 'protocols', 'tracking'},
    'pipeline': {*BOTTOM, 'perception', 'protocols', 'stream', 'tracking'},
    'datasets': {*BOTTOM, 'io'},
    'evaluation': {*CORE, 'datasets'},
    'training': {*CORE, 'models', 'datasets', 'evaluation'},
    'recordings': CORE - {'motion', 'perception', 'protocols', 'stream'},
    'cli': {*CORE, 'models', 'datasets', 'evaluation', 'recordings', 'training'},
    'ros': set(),
}
# The rooms of ros/ may import from the core, the messages, and from these.
ROS_BELOW = {
    'execution': set(),
    'messages': set(),
    'config': set(),
    'inputs': set(),
    'diagnostics': {'config', 'inputs'},
    'outputs': {'config', 'diagnostics', 'messages'},
    'positions': {'config', 'diagnostics', 'inputs', 'messages', 'outputs'},
    'node': {'config', 'diagnostics', 'execution', 'inputs', 'messages', 'outputs', 'positions'},
    'player': {'config', 'execution', 'messages'},
    'demo': {'config', 'execution', 'messages'},
}
BELOW |= {f'ros.{room}': {*CORE, 'msg', *(f'ros.{other}' for other in below)}
          for room, below in ROS_BELOW.items()}
LIBRARIES = {'tracking': {'numpy', 'lap', 'yaml'}, 'geometry': {'numpy'}, 'detections': {'numpy'}}
TORCH = {'torch', 'torchvision', 'lightning'}
MAY_USE_TORCH = {'cli', 'evaluation', 'inference', 'models', 'training'}
ENGINES = {'onnxruntime', 'tensorrt', 'tensorrt_rtx', 'torch'}
ROS = {'rclpy', 'launch', 'launch_ros', 'sensor_msgs', 'std_msgs', 'vision_msgs'}

by_room = pytest.mark.parametrize('room', BELOW)


def files(room: str) -> list[Path]:
    """Return the source files of a room, which is a folder or one file."""
    path = PACKAGE / room.replace('.', '/')
    if room == 'ros':
        return [path / '__init__.py']
    return [*sorted(path.rglob('*.py')), *path.parent.glob(f'{path.name}.py')]


def room_of(module: str) -> str:
    """Return the room of a module of the package."""
    parts = module.split('.')[1:]
    return '.'.join(parts[:2] if parts[0] == 'ros' else parts[:1])


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} imports relatively; the rooms import by full name'
            if node.module == 'finetrack_ros':
                yield from (f'finetrack_ros.{alias.name}' for alias in node.names)
            else:
                yield str(node.module)


def test_every_file_belongs_to_a_room():
    known = {path for room in BELOW for path in files(room)} | {PACKAGE / '__init__.py'}
    assert set(PACKAGE.rglob('*.py')) - known == set()


@by_room
def test_imports_run_one_way(room):
    forbidden = {
        f'{path.name} imports {name}' for path in files(room) for name in imports(path)
        if name.startswith('finetrack_ros.')
        and room_of(name) not in {room, '__version__', *BELOW[room]}}
    assert forbidden == set()


@by_room
def test_libraries_stay_in_their_rooms(room):
    used = {name.partition('.')[0] for path in files(room) for name in imports(path)}
    used -= {'finetrack_ros', *sys.stdlib_module_names}
    if room in LIBRARIES:
        assert used <= LIBRARIES[room]
    if room.partition('.')[0] != 'ros':
        assert not used & ROS, 'only ros/ imports ROS'
    if room not in MAY_USE_TORCH:
        assert not used & TORCH, 'the core runs without torch'


@pytest.mark.parametrize('module', ['cli', 'datasets', 'inference', 'io', 'pipeline', 'tracking'])
def test_loads_without_engines_torch_and_ros(module):
    absent = sorted({*ENGINES, *TORCH, *ROS, 'trackeval'})
    program = f'import sys; sys.modules.update(dict.fromkeys({absent})); ' \
              f'import finetrack_ros.{module}'
    result = subprocess.run(
        [sys.executable, '-c', program], cwd=PACKAGE.parent, capture_output=True, text=True,
        check=False, timeout=60)
    assert result.returncode == 0, result.stderr
