# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The outputs of one camera; what nobody subscribes to is not computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from finetrack_ros.io import draw_tracks, Trails
from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.diagnostics.frame_stats import Durations
from finetrack_ros.ros.messages.image_conversions import to_compressed_message, to_image_message
from finetrack_ros.ros.messages.track_conversions import (
    metres_per_pixel,
    to_detection_array,
    to_embeddings,
    to_label_info,
    to_markers,
)
from finetrack_ros.ros.outputs.foxglove import annotation_types, to_annotations
from finetrack_ros.ros.outputs.output import Output, OutputFrame, TopicOutput


def make_outputs(node: LifecycleNode, prefix: str, class_names: Sequence[str], dim: int
                 ) -> list[Output]:
    """
    Return the outputs of one camera, in the order in which they are published.

    :param prefix: '' or 'front/', stands before each topic's name.
    :param class_names: of the model, or those met so far.
    :param dim: width of an embedding; 0 without.
    """
    outputs: list[Output] = [
        TracksOutput(node, prefix), EmbeddingsOutput(node, prefix, dim),
        MarkersOutput(node, prefix), DrawnImageOutput(node, prefix, class_names)]
    types = annotation_types()
    if types is None:
        node.get_logger().debug('no ~/annotations: foxglove_msgs is not installed')
    else:
        outputs.append(AnnotationsOutput(node, prefix, types))
    return outputs


class TracksOutput(TopicOutput):
    """``tracks``, which are published whether or not anybody listens."""

    def __init__(self, node: LifecycleNode, prefix: str) -> None:
        """Create the publisher."""
        super().__init__(node, Detection2DArray, f'{prefix}tracks', 10)

    def wanted(self) -> bool:
        """Return True."""
        return True

    def publish(self, frame: OutputFrame) -> None:
        """Publish the tracks under the image's header."""
        self._publisher.publish(to_detection_array(frame.tracks, frame.labels, frame.header))


class EmbeddingsOutput(TopicOutput):
    """``track_embeddings``."""

    def __init__(self, node: LifecycleNode, prefix: str, dim: int) -> None:
        """Create the publisher; ``dim`` is the width of an embedding."""
        super().__init__(node, TrackEmbeddings, f'{prefix}track_embeddings', 10)
        self._dim = dim

    def publish(self, frame: OutputFrame) -> None:
        """Publish the tracks' appearance under the image's header."""
        self._publisher.publish(to_embeddings(frame.tracks, self._dim, frame.header))


class MarkersOutput(TopicOutput):
    """``~/markers``."""

    def __init__(self, node: LifecycleNode, prefix: str) -> None:
        """Create the publisher."""
        super().__init__(node, MarkerArray, f'~/{prefix}markers', 1)

    def publish(self, frame: OutputFrame) -> None:
        """Publish boxes and ids for rviz."""
        width = None if frame.size is None else frame.size[0]
        scale = metres_per_pixel(frame.config.node.marker_scale, width)
        self._publisher.publish(to_markers(frame.tracks, frame.labels, frame.header, scale))


class DrawnImageOutput:
    """``~/debug_image``, raw and compressed: the image is drawn once for both."""

    def __init__(self, node: LifecycleNode, prefix: str, class_names: Sequence[str]) -> None:
        """Create the publishers."""
        self._class_names = class_names
        self._raw = _Sink(node, Image, f'~/{prefix}debug_image', 1)
        self._compressed = _Sink(node, CompressedImage, f'~/{prefix}debug_image/compressed', 1)
        self._trails = Trails()

    def wanted(self) -> bool:
        """Return whether either topic has subscribers."""
        return self._raw.wanted() or self._compressed.wanted()

    def publish(self, frame: OutputFrame) -> None:
        """Draw the tracks into the image."""
        if frame.image is None:
            return
        labels = frame.labels if len(self._class_names) > 1 else None
        drawn = draw_tracks(frame.image, frame.tracks, self._trails, labels)
        if self._raw.wanted():
            self._raw.send(to_image_message(drawn, frame.header))
        if self._compressed.wanted():
            self._compressed.send(to_compressed_message(drawn, frame.header))

    def forget(self) -> None:
        """Draw no line from where tracks were before a reset."""
        self._trails = Trails()

    def destroy(self) -> None:
        """Remove the publishers."""
        self._raw.destroy()
        self._compressed.destroy()


class AnnotationsOutput(TopicOutput):
    """``~/annotations`` for Foxglove."""

    def __init__(self, node: LifecycleNode, prefix: str, types: Any) -> None:
        """Create the publisher; ``types`` is the module ``foxglove_msgs.msg``."""
        super().__init__(node, types.ImageAnnotations, f'~/{prefix}annotations', 1)
        self._types = types

    def publish(self, frame: OutputFrame) -> None:
        """Publish boxes and labels in pixels of the image."""
        self._publisher.publish(to_annotations(
            self._types, frame.tracks, frame.labels, frame.header, frame.size))


class _Sink(TopicOutput):
    """A topic that is given whole messages."""

    def send(self, msg: Any) -> None:
        """Publish a message."""
        self._publisher.publish(msg)


class LatencyOutput(_Sink):
    """``~/latency``: no output of the list, as it tells how long those took."""

    def __init__(self, node: LifecycleNode, prefix: str) -> None:
        """Create the publisher."""
        super().__init__(node, Latency, f'~/{prefix}latency', 10)

    def tell(self, durations: Durations, header: Header) -> None:
        """Publish what the image's processing took."""
        if self.wanted():
            self.send(Latency(header=header, **vars(durations)))


class LabelsOutput(_Sink):
    """``~/labels``, latched: the classes, told when they change and not with each frame."""

    def __init__(self, node: LifecycleNode, prefix: str) -> None:
        """Create the publisher."""
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        super().__init__(node, LabelInfo, f'~/{prefix}labels', latched)

    def tell(self, class_names: Sequence[str], threshold: float) -> None:
        """Publish the names of the classes to present and future subscribers, while active."""
        if self._publisher.is_activated:
            header = Header(stamp=self._node.get_clock().now().to_msg())
            self.send(to_label_info(class_names, threshold, header))
