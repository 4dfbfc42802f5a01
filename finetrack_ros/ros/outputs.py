# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishers of one camera; what nobody subscribes to is not computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import functools
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from finetrack_ros.io import draw_tracks, Trails
from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.depth_output import DepthOutput
from finetrack_ros.ros.foxglove import annotation_types, to_annotations
from finetrack_ros.ros.frame_stats import Durations
from finetrack_ros.ros.image_conversions import to_compressed_message, to_image_message
from finetrack_ros.ros.publishers import create_output
from finetrack_ros.ros.track_conversions import (
    class_labels,
    metres_per_pixel,
    to_detection_array,
    to_embeddings,
    to_label_info,
    to_markers,
)
from finetrack_ros.tracking import Tracks


class Outputs:
    """The publishers of one camera's tracks and of what is drawn from them."""

    def __init__(self, node: LifecycleNode, prefix: str, class_names: Sequence[str],
                 embedding_dim: int, values: Mapping[str, Any]) -> None:
        """
        Create the publishers.

        :param prefix: '' or 'front/', stands before each topic's name.
        :param values: the node's parameters.
        """
        self._node = node
        self._class_names = class_names
        self._dim = embedding_dim
        self._trails = Trails()
        create = functools.partial(create_output, node)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._tracks = create(Detection2DArray, f'{prefix}tracks', 10)
        self._embeddings = create(TrackEmbeddings, f'{prefix}track_embeddings', 10)
        self._debug_image = create(Image, f'~/{prefix}debug_image', 1)
        self._compressed = create(CompressedImage, f'~/{prefix}debug_image/compressed', 1)
        self._markers = create(MarkerArray, f'~/{prefix}markers', 1)
        self._labels = create(LabelInfo, f'~/{prefix}labels', latched)
        self._latency = create(Latency, f'~/{prefix}latency', 10)
        self._publishers = [self._tracks, self._embeddings, self._debug_image, self._compressed,
                            self._markers, self._labels, self._latency]
        self._annotation_types = annotation_types()
        if self._annotation_types is None:
            node.get_logger().debug('no ~/annotations: foxglove_msgs is not installed')
        else:
            self._annotations = create(
                self._annotation_types.ImageAnnotations, f'~/{prefix}annotations', 1)
            self._publishers.append(self._annotations)
        self._depth = DepthOutput(node, prefix, values) if values['depth'] else None

    def publish_labels(self, threshold: float) -> None:
        """Publish the names of the classes to present and future subscribers, while active."""
        if not self._labels.is_activated:
            return
        header = Header(stamp=self._node.get_clock().now().to_msg())
        self._labels.publish(to_label_info(self._class_names, threshold, header))

    def publish(self, tracks: Tracks, image: NDArray[np.uint8] | None, header: Header,
                class_as_index: bool, marker_scale: float) -> None:
        """Publish the tracks of one image under its header, and whatever else is subscribed to."""
        labels = class_labels(self._class_names, tracks.classes, class_as_index)
        self._tracks.publish(to_detection_array(tracks, labels, header))
        if self._embeddings.get_subscription_count():
            self._embeddings.publish(to_embeddings(tracks, self._dim, header))
        if self._markers.get_subscription_count():
            width = None if image is None else image.shape[1]
            self._markers.publish(to_markers(
                tracks, labels, header, metres_per_pixel(marker_scale, width)))
        self._publish_debug_image(tracks, image, header, labels)
        size = None if image is None else (image.shape[1], image.shape[0])
        if self._annotation_types and self._annotations.get_subscription_count():
            self._annotations.publish(
                to_annotations(self._annotation_types, tracks, labels, header, size))
        if self._depth is not None:
            self._depth.publish(tracks, labels, header, size)

    def _publish_debug_image(self, tracks: Tracks, image: NDArray[np.uint8] | None,
                             header: Header, labels: Sequence[str]) -> None:
        """Draw the tracks into the image once, for those who take it raw or compressed."""
        raw = self._debug_image.get_subscription_count()
        compressed = self._compressed.get_subscription_count()
        if image is None or not (raw or compressed):
            return
        several = len(self._class_names) > 1
        drawn = draw_tracks(image, tracks, self._trails, labels if several else None)
        if raw:
            self._debug_image.publish(to_image_message(drawn, header))
        if compressed:
            self._compressed.publish(to_compressed_message(drawn, header))

    def publish_latency(self, durations: Durations, header: Header) -> None:
        """Publish what the image's processing took."""
        if self._latency.get_subscription_count():
            self._latency.publish(Latency(header=header, **vars(durations)))

    def forget(self) -> None:
        """Draw no line from where tracks were before a reset, and publish nothing late."""
        self._trails = Trails()
        if self._depth is not None:
            self._depth.reset()

    def update(self, values: Mapping[str, Any]) -> None:
        """Take over changed parameters."""
        if self._depth is not None:
            self._depth.update(values)

    def follow(self) -> None:
        """Subscribe to what the outputs need that are subscribed to, in the executor's thread."""
        if self._depth is not None:
            self._depth.follow()

    def close(self) -> None:
        """Unsubscribe from what outputs need."""
        if self._depth is not None:
            self._depth.close()

    def statuses(self, node_name: str) -> list[DiagnosticStatus]:
        """Return how outputs that have inputs of their own fare."""
        return [] if self._depth is None else [self._depth.status(node_name)]

    def destroy(self) -> None:
        """Remove the publishers."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        if self._depth is not None:
            self._depth.destroy()
