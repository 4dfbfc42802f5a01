# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a video as a camera would, track in it, and show the result in rviz."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from finetrack_ros.ros.environment import large_images_environment


def generate_launch_description() -> LaunchDescription:
    """Describe the player and include the tracker's launch file."""
    arguments = [
        DeclareLaunchArgument(
            'video', description='Video file, image folder, MOTChallenge sequence folder or '
                                 'camera index'),
        DeclareLaunchArgument(
            'loop', default_value='true', choices=['true', 'false'],
            description='Start the video again at its end; false ends the demo there'),
        DeclareLaunchArgument(
            'rate', default_value='1.0', description='Speed relative to real time'),
        DeclareLaunchArgument(
            'max_frames', default_value='0', description='End after so many frames; 0: never'),
        DeclareLaunchArgument(
            'rviz', default_value='true', choices=['true', 'false'],
            description='Show the annotated image and the markers in rviz'),
        DeclareLaunchArgument(
            'model', default_value='', description='Name or folder of the model'),
    ]
    player = Node(
        package='finetrack_ros',
        executable='video_player_node',
        name='video_player',
        parameters=[{
            'source': ParameterValue(LaunchConfiguration('video'), value_type=str),
            'loop': LaunchConfiguration('loop'),
            'rate': ParameterValue(LaunchConfiguration('rate'), value_type=float),
            'max_frames': LaunchConfiguration('max_frames'),
            'wait_for_subscribers': 1,
        }],
        additional_env=large_images_environment(),
        output='screen',
    )
    # Without this the player would wait for ever for a tracker that could not start.
    end = RegisterEventHandler(OnProcessExit(
        on_exit=[Shutdown(reason='the video, the tracker or rviz has ended')]))
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('tracker.launch.py'))),
        launch_arguments={'rviz': LaunchConfiguration('rviz'),
                          'model': LaunchConfiguration('model')}.items())
    return LaunchDescription([*arguments, end, player, tracker])
