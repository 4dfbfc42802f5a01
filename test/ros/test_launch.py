# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files, run by launch_testing where that is installed."""

import contextlib
import os
from pathlib import Path
import subprocess
import sys

import pytest

from finetrack_ros.ros.config.launching import has_executable

pytestmark = pytest.mark.ros

for module in ('launch_ros', 'launch_testing'):
    pytest.importorskip(module, reason=f'{module} is not installed')

FOLDER = Path(__file__).with_name('launched')
LAUNCH_FILES = Path(__file__).resolve().parents[2] / 'launch'
#: What ``ros2 launch FILE NAME:=VALUE ...`` does.
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(sys.argv[1]),
    launch_arguments=[argument.split(':=') for argument in sys.argv[2:]])]))
sys.exit(service.run())
"""
OTHER_VALUES = """
/**:
  ros__parameters:
    score_threshold: 0.33
    model: nonexistent
    embeddings: false
    image_transport: compressed
    autostart: true
    tracker.preset: dance
"""


def launch_test(bench, name, **arguments):
    """Run a test of launch_testing in a ROS domain of its own."""
    command = [sys.executable, '-m', 'launch_testing.launch_test', FOLDER / name,
               *(f'{key}:={value}' for key, value in arguments.items())]
    result = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=240, check=False, env={**os.environ, 'ROS_DOMAIN_ID': str(bench.domain)})
    assert result.returncode == 0, result.stdout


def test_tracker_starts_in_its_namespace_and_ends_cleanly(own_bench):
    launch_test(own_bench, 'tracker.py')


def test_every_argument_reaches_the_node(own_bench, tmp_path):
    file = tmp_path / 'other.yaml'
    file.write_text(OTHER_VALUES)
    launch_test(own_bench, 'arguments.py', params_file=file)


def test_demo_plays_and_ends(own_bench, shared_data):
    launch_test(own_bench, 'demo.py', video=shared_data / 'mot' / 'TUD-Campus')


def launch(bench, file, *arguments, timeout=120):
    """Launch a file as a user does; return its exit code, its output, and what it left running."""
    result = subprocess.run(
        [sys.executable, '-c', LAUNCH, str(LAUNCH_FILES / file), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
        env={**os.environ, 'ROS_DOMAIN_ID': str(bench.domain)})
    assert 'Traceback' not in result.stdout
    return result.returncode, result.stdout, nodes_in(bench.domain)


def nodes_in(domain):
    """Return the command lines of this package's processes in a ROS domain."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            command = (folder / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
            mine = f'ROS_DOMAIN_ID={domain}'.encode() in (folder / 'environ').read_bytes()
            if mine and 'lib/finetrack_ros/' in command:
                found.append(command)
    return found


def test_demo_ends_with_its_tracker(own_bench, shared_data):
    """What keeps the tracker from starting is the last word, and nobody waits for it."""
    _, output, left = launch(
        own_bench, 'demo.launch.py', f'video:={shared_data / "mot" / "TUD-Campus"}',
        'model:=nonexistent', 'rviz:=false')
    assert "model 'nonexistent'" in output
    assert left == []


@pytest.mark.parametrize('arguments', [
    [], ['namespace:=robot'], ['image_topic:=/street/image'], ['cameras:=front,rear']], ids=str)
def test_demo_plays_what_it_tracks(own_bench, shared_data, arguments):
    code, output, left = launch(
        own_bench, 'demo.launch.py', f'video:={shared_data / "mot" / "TUD-Campus"}', 'rviz:=false',
        'max_frames:=5', 'loop:=false', *arguments)
    assert 'ended after 5 frames' in output
    assert (code, left) == (0, [])


@pytest.mark.skipif(has_executable('rviz2', 'rviz2'), reason='rviz is installed')
def test_demo_without_rviz_says_so_and_plays(own_bench, shared_data):
    code, output, left = launch(
        own_bench, 'demo.launch.py', f'video:={shared_data / "mot" / "TUD-Campus"}',
        'max_frames:=5', 'loop:=false')
    assert 'rviz2 is not installed' in output
    assert 'ended after 5 frames' in output
    assert (code, left) == (0, [])


@pytest.mark.parametrize(('arguments', 'remedy'), [
    (['image_topic:=/{camera}/image'], 'give their names, as in cameras:=front,rear'),
    (['cameras:=front,rear', 'image_topic:=/image'], 'as in /{camera}/image_raw'),
    (['cameras:=front cam'], 'give names of letters'), (['image_topic:=/cam image'], 'no name of'),
    (['log_level:=verbose'], 'give one of debug, info'),
    (['params_file:=/nowhere.yaml'], "'/nowhere.yaml' cannot be read")], ids=str)
@pytest.mark.parametrize('file', ['tracker.launch.py', 'demo.launch.py'])
def test_arguments_that_cannot_work_are_refused_before_anything_starts(
        own_bench, file, arguments, remedy):
    video = ['video:=0', 'rviz:=false'] if file.startswith('demo') else []
    code, output, left = launch(own_bench, file, *video, *arguments)
    assert (code, left) == (1, [])
    assert sum('ERROR' in line for line in output.splitlines()) == 1
    assert remedy in output
    assert 'process started' not in output


def test_demo_refuses_what_is_no_number(own_bench):
    code, output, left = launch(own_bench, 'demo.launch.py', 'video:=0', 'rate:=fast')
    assert (code, left) == (1, [])
    assert "rate is 'fast': give a number" in output
