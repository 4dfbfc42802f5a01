# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A test of ``launch_test``: the demo plays ten frames, tracks in them, and ends by itself.

Run by test_launch.py, or by hand: ``launch_test test/ros/launched/demo.py video:=SOURCE``.
"""

from pathlib import Path
import unittest

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
import launch_testing
from launch_testing.actions import ReadyToTest

LAUNCH_FILE = Path(get_package_share_directory('finetrack_ros'), 'launch', 'demo.launch.py')
DEADLINE = 60.0


def generate_test_description():
    """Start the demo on the given video, without rviz."""
    return LaunchDescription([
        DeclareLaunchArgument('video', description='Source to play'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH_FILE)),
            launch_arguments={'video': LaunchConfiguration('video'), 'max_frames': '10',
                              'loop': 'false', 'rviz': 'false'}.items()),
        ReadyToTest(),
    ])


class TestDemo(unittest.TestCase):
    """While the video plays."""

    def test_player_ends(self, proc_info, proc_output):
        """The player waits for the tracker, plays, and ends."""
        proc_output.assertWaitFor('ended after 10 frames', timeout=DEADLINE, stream='stderr')
        proc_info.assertWaitForShutdown('video_player_node', timeout=DEADLINE)


@launch_testing.post_shutdown_test()
class TestShutdown(unittest.TestCase):
    """After the end of the video."""

    def test_exit_codes(self, proc_info):
        """The tracker ends with the player, both cleanly."""
        self.assertEqual(len(proc_info.process_names()), 2)
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_output_is_clean(self, proc_output):
        """Nothing failed on the way."""
        text = ''.join(io.text.decode() for io in proc_output)
        self.assertNotIn('Traceback', text)
        self.assertNotIn('[ERROR]', text)
