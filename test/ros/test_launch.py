# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files, run by launch_testing where that is installed."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ros

for module in ('launch_ros', 'launch_testing'):
    pytest.importorskip(module, reason=f'{module} is not installed')

FOLDER = Path(__file__).with_name('launched')
LAUNCH_FILES = Path(__file__).resolve().parents[2] / 'launch'
DEMO = LAUNCH_FILES / 'demo.launch.py'
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


def test_demo_ends_with_its_tracker(own_bench, shared_data):
    """What keeps the tracker from starting is the last word, and nobody waits for it."""
    command = [sys.executable, '-c', LAUNCH, DEMO, f'video:={shared_data / "mot" / "TUD-Campus"}',
               'model:=nonexistent', 'rviz:=false']
    result = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=120, check=False, env={**os.environ, 'ROS_DOMAIN_ID': str(own_bench.domain)})
    assert "model 'nonexistent'" in result.stdout
    assert 'Traceback' not in result.stdout


@pytest.mark.parametrize(('arguments', 'remedy'), [
    (['image_topic:=/{camera}/image'], 'give their names, as in cameras:=front,rear'),
    (['cameras:=front,rear', 'image_topic:=/image'], 'as in /{camera}/image_raw')])
def test_topics_that_do_not_go_with_the_cameras_are_refused(own_bench, arguments, remedy):
    result = subprocess.run(
        [sys.executable, '-c', LAUNCH, LAUNCH_FILES / 'tracker.launch.py', *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        env={**os.environ, 'ROS_DOMAIN_ID': str(own_bench.domain)})
    assert result.returncode == 1
    assert remedy in result.stdout
    assert 'Traceback' not in result.stdout
