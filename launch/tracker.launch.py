# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start the tracker on the image topics of one or more cameras, and rviz where asked."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from finetrack_ros.ros.config.environment import config_file, large_images_environment
from finetrack_ros.ros.config.launching import (
    CAMERA,
    camera_names,
    check_log_level,
    has_executable,
    parameter_file,
    remappings,
    TOPICS,
)

# Arguments that are parameters of the node too: given, they win over the parameter file.
WORDS = {'model': 'model', 'device': 'device', 'detector': 'detector',
         'image_transport': 'image_transport', 'preset': 'tracker.preset'}
FLAGS = ('autostart', 'use_sim_time', 'embeddings')
FLAG = ['', 'true', 'false']


def start_tracker(context: LaunchContext) -> list[Node]:
    """Return the tracker and rviz, with only those parameters overridden that were given."""
    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    cameras = camera_names(given('cameras'))
    topics = {name: given(name) for name in TOPICS}
    if not topics['camera_info_topic'] and '/' in topics['image_topic']:
        # Camera drivers publish it beside the image.
        topics['camera_info_topic'] = topics['image_topic'].rpartition('/')[0] + '/camera_info'
    overrides = {parameter: given(name) for name, parameter in WORDS.items() if given(name)}
    overrides |= {name: given(name) == 'true' for name in FLAGS if given(name)}
    if cameras:
        overrides['cameras'] = cameras
    if topics['depth_topic']:
        overrides['depth'] = True
    tracker = Node(
        package='finetrack_ros',
        executable='tracker_node',
        name='tracker',
        namespace=LaunchConfiguration('namespace'),
        parameters=[parameter_file(given('params_file')), overrides],
        remappings=remappings(cameras, topics),
        arguments=['--ros-args', '--log-level', check_log_level(given('log_level'))],
        additional_env=large_images_environment(),
        output='screen',
    )
    return [tracker, *start_rviz(given('rviz') == 'true', cameras, given('fixed_frame'))]


def start_rviz(wanted: bool, cameras: list[str], frame: str) -> list[Node]:
    """Return rviz for the first camera, nothing where it is not wanted or not installed."""
    if wanted and not has_executable('rviz2', 'rviz2'):
        get_logger('tracker.launch').warning(
            'rviz2 is not installed, so that nothing is shown: install it (sudo apt install '
            'ros-$ROS_DISTRO-rviz2), or give rviz:=false')
        return []
    # The file names the topics of one camera in the root namespace; relative, they follow the
    # arguments.
    shown = f'tracker/{cameras[0]}' if cameras else 'tracker'
    rviz = Node(
        package='rviz2',
        executable='rviz2',
        namespace=LaunchConfiguration('namespace'),
        arguments=['-d', str(config_file('finetrack.rviz')), *(['-f', frame] if frame else [])],
        remappings=[(f'/tracker/{name}', f'{shown}/{name}')
                    for name in ('debug_image', 'markers', 'markers_3d')],
        additional_env=large_images_environment(),
    )
    return [rviz] if wanted else []


def generate_launch_description() -> LaunchDescription:
    """Describe the arguments and what they start."""
    empty = 'empty: as in params_file'
    return LaunchDescription([
        DeclareLaunchArgument(
            'image_topic', default_value='',
            description="Topic of the images to track in, without '/compressed', with "
                        f"{CAMERA} for the camera's name where there are several: "
                        f'/{CAMERA}/image_raw; empty: image or {CAMERA}/image'),
        DeclareLaunchArgument(
            'image_transport', default_value='', choices=['', 'raw', 'compressed'],
            description='raw takes sensor_msgs/Image from image_topic, compressed takes '
                        f"sensor_msgs/CompressedImage from '<image_topic>/compressed'; {empty}"),
        DeclareLaunchArgument(
            'cameras', default_value='',
            description=f'Names of the cameras to track in with one node: front,rear; {empty}'),
        DeclareLaunchArgument(
            'params_file', default_value=str(config_file('tracker.yaml')),
            description='YAML file with parameters of the tracker'),
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the node and of its relative topics'),
        DeclareLaunchArgument(
            'model', default_value='', description=f'Name or folder of the model; {empty}'),
        DeclareLaunchArgument(
            'device', default_value='',
            description=f'Device of the engine (auto, cpu, cuda, cuda:1); {empty}'),
        DeclareLaunchArgument(
            'preset', default_value='',
            description="The tracker's preset (default, mot, dance); what params_file sets in "
                        f'tracker.* wins over it; {empty}'),
        DeclareLaunchArgument(
            'detector', default_value='', choices=['', 'own', 'topic'],
            description=f'topic tracks the detections of another detector; {empty}'),
        DeclareLaunchArgument(
            'detections_topic', default_value='',
            description='Topic of those detections (vision_msgs/Detection2DArray); with '
                        f'{CAMERA} like image_topic; empty: detections or {CAMERA}/detections'),
        DeclareLaunchArgument(
            'depth_topic', default_value='',
            description='Topic of depth images that are aligned to the images (sensor_msgs/Image '
                        f'16UC1 or 32FC1), with {CAMERA} like image_topic; given, it turns on '
                        'tracker/tracks_3d and tracker/markers_3d; empty: as in params_file'),
        DeclareLaunchArgument(
            'camera_info_topic', default_value='',
            description='Topic of the calibration of the images (sensor_msgs/CameraInfo); empty: '
                        'camera_info beside image_topic'),
        DeclareLaunchArgument(
            'embeddings', default_value='', choices=FLAG,
            description=f'false tracks without appearance; {empty}'),
        DeclareLaunchArgument(
            'autostart', default_value='', choices=FLAG,
            description='Configure and activate the node; false leaves it to a lifecycle '
                        f'manager; {empty}'),
        DeclareLaunchArgument(
            'use_sim_time', default_value='', choices=FLAG,
            description=f'Take the time from /clock; {empty}, else false'),
        DeclareLaunchArgument(
            'log_level', default_value='info', description='Least level of log messages'),
        DeclareLaunchArgument(
            'rviz', default_value='false', choices=['true', 'false'],
            description='Show the annotated image and the markers (of the first camera) in rviz'),
        DeclareLaunchArgument(
            'fixed_frame', default_value='',
            description="The fixed frame of rviz: frame_id of the images' header, which ros2 "
                        'topic echo --once --field header.frame_id IMAGE_TOPIC tells, or a frame '
                        'that TF connects with it; empty: camera'),
        OpaqueFunction(function=start_tracker),
    ])
