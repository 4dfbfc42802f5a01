# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turn tracks with positions in space into messages: detections and markers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from geometry_msgs.msg import Point, Pose, Vector3
from std_msgs.msg import ColorRGBA, Header
from vision_msgs.msg import (
    BoundingBox3D,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)
from visualization_msgs.msg import Marker, MarkerArray

from finetrack_ros.io import colour_of
from finetrack_ros.ros.messages.track_conversions import LETTER_SPACE, MARKER_LIFETIME, text_colour
from finetrack_ros.ros.positions.depth import Positions
from finetrack_ros.tracking import Tracks

_TEXT_HEIGHT = 0.2


def to_detection_3d_array(tracks: Tracks, labels: Sequence[str], positions: Positions,
                          header: Header) -> Detection3DArray:
    """
    Return the tracks that have a position as vision_msgs/Detection3DArray, in metres.

    The header stands on the array and on each detection; ``labels`` [M] are the class ids. The
    pose is in ``bbox.center`` and in ``results[0].pose``, upright in the optical frame; nothing
    is known of its covariance, which is zero.
    """
    msg = Detection3DArray(header=header)
    for row, centre, size in _located(positions):
        pose = Pose(position=Point(x=centre[0], y=centre[1], z=centre[2]))
        hypothesis = ObjectHypothesis(class_id=labels[row], score=float(tracks.scores[row]))
        result = ObjectHypothesisWithPose(hypothesis=hypothesis)
        result.pose.pose = pose
        box = BoundingBox3D(center=pose, size=Vector3(x=size[0], y=size[1], z=size[2]))
        msg.detections.append(Detection3D(
            header=header, results=[result], bbox=box, id=str(int(tracks.ids[row]))))
    return msg


def to_markers_3d(tracks: Tracks, labels: Sequence[str], positions: Positions,
                  header: Header) -> MarkerArray:
    """
    Return a box and a label for rviz for each track that has a position.

    Each message replaces the markers of the one before.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for row, (x, y, z), size in _located(positions):
        track_id = int(tracks.ids[row])
        box = _marker(header, 'boxes', Marker.CUBE, track_id, 0.5)
        box.pose.position = Point(x=x, y=y, z=z)
        box.scale = Vector3(x=size[0], y=size[1], z=size[2])
        label = _marker(header, 'ids', Marker.TEXT_VIEW_FACING, track_id, 1.0)
        label.text = f'{labels[row]} {track_id}'
        label.pose.position = Point(x=x, y=y - size[1] / 2 - _TEXT_HEIGHT, z=z)
        label.scale.z = _TEXT_HEIGHT
        label.scale.x = LETTER_SPACE * _TEXT_HEIGHT
        label.color = text_colour(track_id)
        markers += [box, label]
    return MarkerArray(markers=markers)


def _marker(header: Header, kind: str, shape: int, track_id: int, alpha: float) -> Marker:
    """Return a marker in the colour of a track, without place and size."""
    blue, green, red = colour_of(track_id)
    # Marker ids are int32; track ids may grow beyond it.
    return Marker(header=header, ns=kind, id=track_id & 0x7FFFFFFF, type=shape,
                  action=Marker.ADD, lifetime=MARKER_LIFETIME,
                  color=ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=alpha))


def _located(positions: Positions) -> Iterator[tuple[int, list[float], list[float]]]:
    """Yield row, centre and size of each valid position."""
    centres, sizes = positions.centres.tolist(), positions.sizes.tolist()
    for row in positions.valid.nonzero()[0].tolist():
        yield row, centres[row], sizes[row]
