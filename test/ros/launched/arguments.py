# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A test of ``launch_test``: every argument of the tracker's launch file reaches the node.

Run by test_launch.py, or by hand: ``launch_test test/ros/launched/arguments.py params_file:=FILE``
with a file that sets other values.
"""

from pathlib import Path
import time
import unittest

from ament_index_python.packages import get_package_share_directory
from builtin_interfaces.msg import Time
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
import launch_testing
from launch_testing.actions import ReadyToTest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters
import rclpy
from rclpy.parameter import parameter_value_to_python
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray

LAUNCH_FILES = Path(get_package_share_directory('finetrack_ros'), 'launch')
DEADLINE = 60.0
ARGUMENTS = {
    'namespace': 'robot', 'cameras': 'front,rear', 'image_topic': '/{camera}/image_raw',
    'camera_info_topic': '/{camera}/info', 'depth_topic': '/{camera}/depth_raw',
    'detector': 'topic', 'detections_topic': '/{camera}/boxes', 'embeddings': 'true',
    'model': 'finetrack_nano', 'device': 'cpu', 'preset': 'mot', 'autostart': 'false',
    'use_sim_time': 'true', 'log_level': 'warn', 'rviz': 'false', 'image_transport': 'raw',
    'fixed_frame': 'map',
}
#: What the node must then hold; score_threshold stands only in the parameter file.
PARAMETERS = {
    'cameras': ['front', 'rear'], 'detector': 'topic', 'embeddings': True, 'depth': True,
    'model': 'finetrack_nano', 'device': 'cpu', 'tracker.preset': 'mot', 'autostart': False,
    'use_sim_time': True, 'score_threshold': 0.33, 'image_transport': 'raw',
}
TOPICS = [f'/{camera}/{name}' for camera in ('front', 'rear')
          for name in ('image_raw', 'boxes', 'depth_raw', 'info')]


def generate_test_description():
    """Give the launch file every argument."""
    return LaunchDescription([
        DeclareLaunchArgument('params_file', description='Parameter file with other values'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH_FILES / 'tracker.launch.py')),
            launch_arguments={'params_file': LaunchConfiguration('params_file'),
                              **ARGUMENTS}.items()),
        ReadyToTest(),
    ])


def declared(name):
    """Return the arguments that a launch file declares, by name."""
    source = PythonLaunchDescriptionSource(str(LAUNCH_FILES / name))
    description = source.get_launch_description(LaunchContext())
    return {argument.name: argument for argument in description.get_launch_arguments()}


class TestArguments(unittest.TestCase):
    """While the tracker waits for its manager."""

    def setUp(self):
        """Make a node to look from."""
        rclpy.init()
        self.node = rclpy.create_node('looker')

    def tearDown(self):
        """Remove it."""
        self.node.destroy_node()
        rclpy.shutdown()

    def wait(self, condition, what):
        """Spin until the condition holds."""
        end = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def call(self, kind, name, request):
        """Call a service of the tracker and return its response."""
        client = self.node.create_client(kind, f'/robot/tracker/{name}')
        self.wait(client.service_is_ready, name)
        future = client.call_async(request)
        self.wait(future.done, name)
        return future.result()

    def test_every_argument_is_described_and_tried(self):
        """None is forgotten here, and none lacks a text for --show-args."""
        arguments = declared('tracker.launch.py')
        self.assertEqual(set(arguments), {*ARGUMENTS, 'params_file'})
        for name, argument in (arguments | declared('demo.launch.py')).items():
            self.assertGreater(len(argument.description.split()), 2, name)

    def test_arguments_win_over_the_parameter_file(self):
        """What was given is what the node holds; the rest comes from the file."""
        response = self.call(
            GetParameters, 'get_parameters', GetParameters.Request(names=list(PARAMETERS)))
        values = [parameter_value_to_python(value) for value in response.values]
        self.assertEqual(dict(zip(PARAMETERS, values, strict=True)), PARAMETERS)

    def test_topics_are_remapped_once_a_manager_starts_the_node(self):
        """Without autostart nothing is subscribed until then."""
        self.assertEqual([self.node.count_subscribers(topic) for topic in TOPICS],
                         [0] * len(TOPICS))
        for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            request = ChangeState.Request(transition=Transition(id=transition))
            self.assertTrue(self.call(ChangeState, 'change_state', request).success)
        publishers = []
        # Depth is received only beside frames, for somebody who wants positions.
        for camera in ('front', 'rear'):
            self.node.create_subscription(
                Detection3DArray, f'/robot/tracker/{camera}/tracks_3d', lambda _: None, 10)
            publishers += [(kind, self.node.create_publisher(kind, f'/{camera}/{name}', 1))
                           for kind, name in ((Image, 'image_raw'), (Detection2DArray, 'boxes'))]

        def send():
            header = Header(stamp=Time(nanosec=time.monotonic_ns() % 10**9))
            for kind, publisher in publishers:
                publisher.publish(kind(header=header))
            return all(self.node.count_subscribers(topic) for topic in TOPICS)
        self.wait(send, f'subscriptions to {TOPICS}')


@launch_testing.post_shutdown_test()
class TestShutdown(unittest.TestCase):
    """After the launch was ended."""

    def test_exit_codes(self, proc_info):
        """The node ends by itself from the state that its manager left it in."""
        self.assertEqual(len(proc_info.process_names()), 1)
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_log_level(self, proc_output):
        """The progress of loading is below the level that was asked for."""
        self.assertNotIn('loading model', ''.join(io.text.decode() for io in proc_output))
