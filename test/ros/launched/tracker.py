# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A test of ``launch_test``: the tracker as its launch file starts it, in a namespace.

Run by test_launch.py, or by hand: ``launch_test test/ros/launched/tracker.py``.
"""

from pathlib import Path
import time
import unittest

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_testing
from launch_testing.actions import ReadyToTest
from lifecycle_msgs.srv import GetState
import rclpy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

LAUNCH_FILE = Path(get_package_share_directory('finetrack_ros'), 'launch', 'tracker.launch.py')
DEADLINE = 60.0


def generate_test_description():
    """Start the tracker with a namespace, a camera's topic, and by itself."""
    return LaunchDescription([
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(LAUNCH_FILE)),
            launch_arguments={'namespace': 'robot', 'image_topic': '/camera/image_raw',
                              'autostart': 'true'}.items()),
        ReadyToTest(),
    ])


class TestTracker(unittest.TestCase):
    """While the tracker runs."""

    def setUp(self):
        """Make a node to look from."""
        rclpy.init()
        self.node = rclpy.create_node('looker')

    def tearDown(self):
        """Remove it."""
        self.node.destroy_node()
        rclpy.shutdown()

    def wait(self, condition, what):
        """Spin until the condition holds, and return its value."""
        end = time.monotonic() + DEADLINE
        while not (value := condition()):
            self.assertLess(time.monotonic(), end, what)
            rclpy.spin_once(self.node, timeout_sec=0.05)
        return value

    def test_node_becomes_active(self):
        """Autostart brings the life cycle node to its active state."""
        client = self.node.create_client(GetState, '/robot/tracker/get_state')
        self.wait(client.service_is_ready, 'the life cycle services')

        def state():
            future = client.call_async(GetState.Request())
            self.wait(future.done, 'an answer')
            return future.result().current_state.label
        self.wait(lambda: state() == 'active', 'the active state')

    def test_topics_are_where_the_arguments_say(self):
        """Relative names follow the namespace, the image topic its argument."""
        self.wait(lambda: self.node.count_subscribers('/camera/image_raw'), 'the subscription')
        topics = dict(self.node.get_topic_names_and_types())
        self.assertEqual(topics['/robot/tracks'], ['vision_msgs/msg/Detection2DArray'])
        self.assertEqual(topics['/robot/track_embeddings'], ['finetrack_ros/msg/TrackEmbeddings'])
        self.assertEqual(topics['/robot/tracker/debug_image'], ['sensor_msgs/msg/Image'])
        self.assertIn('/diagnostics', topics)

    def test_images_come_back_as_tracks(self):
        """An image without people gives an empty array under its header."""
        tracks = []
        self.node.create_subscription(Detection2DArray, '/robot/tracks', tracks.append, 10)
        publisher = self.node.create_publisher(Image, '/camera/image_raw', 1)
        image = Image(encoding='mono8', height=48, width=64, step=64, data=bytes(48 * 64))
        image.header.frame_id = 'camera'

        def send():
            publisher.publish(image)
            return tracks
        self.wait(send, 'tracks')
        self.assertEqual(tracks[0].header.frame_id, 'camera')
        self.assertEqual(len(tracks[0].detections), 0)


@launch_testing.post_shutdown_test()
class TestShutdown(unittest.TestCase):
    """After the launch was ended."""

    def test_exit_codes(self, proc_info):
        """Every process ends by itself when it is interrupted."""
        self.assertEqual(len(proc_info.process_names()), 1)
        launch_testing.asserts.assertExitCodes(proc_info)

    def test_output_is_clean(self, proc_output):
        """Nothing of the shutdown ends as a traceback on the user's screen."""
        text = ''.join(io.text.decode() for io in proc_output)
        self.assertIn("model 'finetrack_nano' ready", text)
        self.assertNotIn('Traceback', text)
