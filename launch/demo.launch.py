# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Play a video as a camera would, track in it, and show the result in rviz."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.environment import large_images_environment
from finetrack_ros.ros.config.launching import CAMERA, camera_names, number, remappings


def players(context: LaunchContext) -> list[Node]:
    """Return a player for each camera, all of the same video."""
    def given(name: str) -> str:
        return LaunchConfiguration(name, default='').perform(context)

    if given('image_transport') == 'compressed':
        raise ConfigError('image_transport:=compressed does not go with the demo, whose player '
                          'publishes raw images: leave it out')
    cameras = camera_names(given('cameras'))
    topics = dict(remappings(cameras, {'image_topic': given('image_topic')}))
    parameters = {
        'source': given('video'),
        'loop': given('loop') == 'true',
        'rate': number('rate', given('rate'), float),
        'max_frames': number('max_frames', given('max_frames'), int),
        'wait_for_subscribers': 1,
    }
    nodes = []
    for camera in cameras or ['']:
        image = f'{camera}/image' if camera else 'image'
        nodes.append(Node(
            package='finetrack_ros',
            executable='video_player_node',
            name=f'video_player_{camera}' if camera else 'video_player',
            namespace=LaunchConfiguration('namespace'),
            parameters=[parameters],
            remappings=[('image', topics.get(image, image))],
            additional_env=large_images_environment(),
            output='screen',
        ))
    return nodes


def check_arguments(context: LaunchContext) -> None:
    """Raise what is wrong with the arguments while nothing runs yet that would be left behind."""
    players(context)


def end_with(event: ProcessExited, _context: LaunchContext) -> list[Shutdown]:
    """End the demo with whatever ends, but for an rviz that cannot show anything here."""
    if event.returncode and 'rviz2' in event.process_name:
        return []
    return [Shutdown(reason='the video, the tracker or rviz has ended')]


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
            'namespace', default_value='',
            description='Namespace of the player, of the tracker and of their relative topics'),
        DeclareLaunchArgument(
            'image_topic', default_value='',
            description='Topic on which the video is played and tracked, with '
                        f"{CAMERA} for the camera's name where there are several; empty: image "
                        f'or {CAMERA}/image'),
        DeclareLaunchArgument(
            'cameras', default_value='',
            description='Names of cameras, front,rear: each plays the video and is tracked by '
                        'itself; empty: one without a name'),
    ]
    # Without this the player would wait for ever for a tracker that could not start.
    end = RegisterEventHandler(OnProcessExit(on_exit=end_with))
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('tracker.launch.py'))),
        launch_arguments={'rviz': LaunchConfiguration('rviz')}.items())
    return LaunchDescription([
        *arguments, OpaqueFunction(function=check_arguments), end, tracker,
        OpaqueFunction(function=players)])
