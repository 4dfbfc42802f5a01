# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The video player node: a video, image folder, MOT sequence or camera as an image topic."""

from __future__ import annotations

from collections.abc import Sequence
import sys
import threading
import time
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import Image, TimeReference
from std_msgs.msg import Header

from finetrack_ros.errors import ConfigError, FinetrackError
from finetrack_ros.io import Frame, open_source
from finetrack_ros.ros.config.declaration import declare_values, given_values
from finetrack_ros.ros.config.parameters import ParameterSpec
from finetrack_ros.ros.execution import ros_arguments_checked, run_process
from finetrack_ros.ros.messages.image_conversions import to_image_message

# Time that matched subscribers get to match from their side too, before the first frame.
_SETTLING = 0.2
# Longest time that the last frames may take to arrive, where the machine is busy.
_DELIVERY = 10

#: The parameters of the player, in the order in which they are documented.
PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec('source', '', 'Video file, image folder, MOTChallenge sequence folder, or '
                                'index of a camera'),
    ParameterSpec('rate', 1.0, 'Speed relative to real time', 0.01, 100.0),
    ParameterSpec('loop', False, 'Start again at the end'),
    ParameterSpec('max_frames', 0, 'Stop after so many frames; 0: never', 0, 2**31 - 1),
    ParameterSpec('wait_for_subscribers', 0,
                  'Subscribers of the image to wait for before the first frame', 0, 100),
    ParameterSpec('stamps', 'now', 'now is the time of publication, source the time since the '
                                   'first frame', choices=('now', 'source')),
    ParameterSpec('reliability', 'reliable', 'Reliability of the published images',
                  choices=('reliable', 'best_effort')),
    ParameterSpec('frame_id', 'camera', "frame_id of the images' header"),
)
SPECS = {spec.name: spec for spec in PARAMETERS}


class VideoPlayerNode(Node):
    """
    Publishes the frames of a source at the source's own rate.

    Besides ``image`` it publishes ``~/source_time`` (sensor_msgs/TimeReference): under the header
    of each image, its time in the source, and ``<name of the source>:<frame number>``.

    :ivar finished: completes with '' at the end of the source, or with the error that ended it.
    """

    def __init__(self, node_name: str = 'video_player', **node_arguments: Any) -> None:
        """
        Declare the parameters, open the source, and start to play in a thread.

        :raises FinetrackError: where the source cannot be opened or a parameter is bad.
        """
        with ros_arguments_checked():
            super().__init__(node_name, automatically_declare_parameters_from_overrides=True,
                             **node_arguments)
        self.finished: Future = Future()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        given = given_values(self, SPECS, 'docs/interface.md', numbers_as_text=('source',))
        values: dict[str, Any] = {name: spec.default for name, spec in SPECS.items()} | given
        declare_values(self, SPECS, values, given, read_only=True)
        if not values['source']:
            raise ConfigError("parameter 'source' is empty: name a video file, a folder or a "
                              'camera index, as in -p source:=clip.mp4')
        self._source, self._rate, self._loop = values['source'], values['rate'], values['loop']
        self._max_frames, self._stamps = values['max_frames'], values['stamps']
        self._subscribers, self._frame_id = values['wait_for_subscribers'], values['frame_id']
        policy = ReliabilityPolicy[values['reliability'].upper()]
        self._images = self.create_publisher(Image, 'image',
                                             QoSProfile(depth=10, reliability=policy))
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._times = self.create_publisher(TimeReference, '~/source_time', latched)
        self._frames = open_source(self._source)
        self._thread = threading.Thread(target=self._play, name='player', daemon=True)
        self._thread.start()

    def destroy_node(self) -> None:
        """Stop playing."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        super().destroy_node()

    def _play(self) -> None:
        """Publish all frames; runs in the player's thread."""
        try:
            self._wait_for_subscribers()
            count = self._play_once(0)
            while self._loop and not self._is_over(count):
                self._frames.close()
                self._frames = open_source(self._source)
                count = self._play_once(count)
            self._images.wait_for_all_acked(Duration(seconds=_DELIVERY))
            self.get_logger().info(f"'{self._source}' ended after {count} frames")
            self.finished.set_result('')
        except FinetrackError as error:
            self._fail(str(error))
        except Exception as error:
            # What publishes in this moment fails when ROS is shut down.
            if self.context.ok():
                self._fail(f'{type(error).__name__}: {error}')
        finally:
            self._frames.close()

    def _fail(self, reason: str) -> None:
        """End the process, which would otherwise stay without ever playing on."""
        self.get_logger().fatal(reason)
        self.finished.set_result(reason)

    def _wait_for_subscribers(self) -> None:
        if not self._subscribers:
            return
        self.get_logger().info(f'waiting for {self._subscribers} subscribers')
        while self._images.get_subscription_count() < self._subscribers:
            if self._stopped.wait(0.05):
                return
        self._stopped.wait(_SETTLING)

    def _play_once(self, count: int) -> int:
        """Publish the source from here to its end; return the number of frames so far."""
        start: float | None = None
        for frame in self._frames:
            now = time.monotonic()
            due = now if start is None else start + frame.stamp / self._rate
            # A source that cannot be read in time plays slower, rather than in bursts.
            if start is None or now > due:
                start, due = now - frame.stamp / self._rate, now
            if self._stopped.wait(due - now):
                break
            self._publish(frame)
            count += 1
            if self._is_over(count):
                break
        return count

    def _is_over(self, count: int) -> bool:
        return self._stopped.is_set() or 0 < self._max_frames <= count

    def _publish(self, frame: Frame) -> None:
        nanoseconds = round(frame.stamp * 1e9)
        source_time = Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        stamp = source_time if self._stamps == 'source' else self.get_clock().now().to_msg()
        header = Header(stamp=stamp, frame_id=self._frame_id)
        self._times.publish(TimeReference(
            header=header, time_ref=source_time, source=f'{self._frames.name}:{frame.index}'))
        self._images.publish(to_image_message(frame.image, header))


def main(args: Sequence[str] | None = None) -> int:
    """Play the source to its end; return 1 where it cannot be played."""
    return run_process('video_player', args, VideoPlayerNode, lambda node: node.finished)


if __name__ == '__main__':
    sys.exit(main())
