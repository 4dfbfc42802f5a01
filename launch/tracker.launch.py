# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start the tracker on a camera's image topic, and rviz where asked."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from finetrack_ros.ros.environment import config_file, large_images_environment

# Arguments that are parameters of the node too: given, they win over the parameter file.
OVERRIDES = ('model', 'device', 'autostart', 'use_sim_time')


def start_tracker(context: LaunchContext) -> list[Node]:
    """Return the node, with only those parameters overridden that were given."""
    given = {name: LaunchConfiguration(name).perform(context) for name in OVERRIDES}
    overrides = {name: value.lower() == 'true' if name in ('autostart', 'use_sim_time') else value
                 for name, value in given.items() if value}
    return [Node(
        package='finetrack_ros',
        executable='tracker_node',
        name='tracker',
        namespace=LaunchConfiguration('namespace'),
        parameters=[LaunchConfiguration('params_file'), overrides],
        remappings=[('image', LaunchConfiguration('image_topic'))],
        arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
        additional_env=large_images_environment(),
        output='screen',
    )]


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments and the two nodes."""
    arguments = [
        DeclareLaunchArgument(
            'image_topic', default_value='image',
            description='Topic of the images to track in (sensor_msgs/Image; with the parameter '
                        "image_transport 'compressed', the topic without '/compressed')"),
        DeclareLaunchArgument(
            'params_file', default_value=str(config_file('tracker.yaml')),
            description='YAML file with parameters of the tracker'),
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the node and of its relative topics'),
        DeclareLaunchArgument(
            'model', default_value='',
            description='Name or folder of the model; empty: as in params_file'),
        DeclareLaunchArgument(
            'device', default_value='',
            description='Device of the engine (auto, cpu, cuda, cuda:1); empty: as in '
                        'params_file'),
        DeclareLaunchArgument(
            'autostart', default_value='', choices=['', 'true', 'false'],
            description='Configure and activate the node; false leaves it to a lifecycle '
                        'manager; empty: as in params_file'),
        DeclareLaunchArgument(
            'use_sim_time', default_value='', choices=['', 'true', 'false'],
            description='Take the time from /clock; empty: as in params_file, else false'),
        DeclareLaunchArgument(
            'log_level', default_value='info', description='Least level of log messages'),
        DeclareLaunchArgument(
            'rviz', default_value='false', choices=['true', 'false'],
            description='Show the annotated image and the markers in rviz'),
    ]
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        namespace=LaunchConfiguration('namespace'),
        arguments=['-d', str(config_file('finetrack.rviz'))],
        # The file names the topics of the root namespace; relative, they follow the argument.
        remappings=[('/tracker/debug_image', 'tracker/debug_image'),
                    ('/tracker/markers', 'tracker/markers')],
        additional_env=large_images_environment(),
        condition=IfCondition(LaunchConfiguration('rviz')),
    )
    return LaunchDescription([*arguments, OpaqueFunction(function=start_tracker), rviz])
