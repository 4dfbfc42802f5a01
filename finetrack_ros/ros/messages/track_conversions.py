# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turn tracks into messages (boxes, embeddings, labels, markers) and boxes back into tracks."""

from __future__ import annotations

from collections.abc import Sequence

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point
import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)
from visualization_msgs.msg import Marker, MarkerArray

from finetrack_ros.io import colour_of
from finetrack_ros.msg import TrackEmbeddings
from finetrack_ros.tracking import Tracks, TrackState

#: Markers vanish by themselves where the camera, depth or the tracker stops.
MARKER_LIFETIME = Duration(sec=1)

#: Metres that the width of an image takes in the markers; metres per pixel where it is unknown.
VIEW_WIDTH, USUAL_SCALE = 7.68, 0.01
#: Space between two letters as a share of their height; rviz takes more where it is not told.
LETTER_SPACE = 0.3
# Least luminance (ITU-R BT.601) of letters, which rviz draws on a dark ground.
_LEGIBLE = 0.6


def stamp_seconds(stamp: Time) -> float:
    """Return a stamp in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def class_labels(class_names: Sequence[str], classes: NDArray[np.int32],
                 as_index: bool) -> list[str]:
    """Return the text of each class [M]: its name, or its index where asked or unnamed."""
    return [str(index) if as_index or not 0 <= index < len(class_names) else class_names[index]
            for index in classes.tolist()]


def to_detection_array(tracks: Tracks, labels: Sequence[str], header: Header) -> Detection2DArray:
    """
    Return tracks as vision_msgs/Detection2DArray in pixels of the source image.

    The header stands on the array and on each detection; ``labels`` [M] are the class ids.
    """
    msg = Detection2DArray(header=header)
    columns = zip(tracks.ids.tolist(), tracks.boxes.tolist(), tracks.scores.tolist(), labels,
                  strict=True)
    for track_id, (left, top, right, bottom), score, label in columns:
        detection = Detection2D(header=header, id=str(track_id))
        bbox = detection.bbox
        bbox.center.position.x = (left + right) / 2
        bbox.center.position.y = (top + bottom) / 2
        bbox.size_x = right - left
        bbox.size_y = bottom - top
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = label
        result.hypothesis.score = score
        detection.results.append(result)
        msg.detections.append(detection)
    return msg


def from_detection_array(msg: Detection2DArray) -> Tracks:
    """
    Return the tracks that a ``tracks`` message holds.

    The message carries ids, boxes and scores; class names, velocities and times are not in it,
    and those columns are zero.

    :raises ValueError: where an id is not a decimal number.
    """
    count = len(msg.detections)
    boxes = np.array([
        (d.bbox.center.position.x, d.bbox.center.position.y, d.bbox.size_x, d.bbox.size_y)
        for d in msg.detections]).reshape(count, 4)
    half = boxes[:, 2:] / 2
    scores = [d.results[0].hypothesis.score if d.results else 0.0 for d in msg.detections]
    return Tracks(
        ids=np.array([int(d.id) for d in msg.detections], np.int64),
        boxes=np.hstack([boxes[:, :2] - half, boxes[:, :2] + half]).astype(np.float32),
        velocities=np.zeros((count, 4), np.float32), scores=np.array(scores, np.float32),
        classes=np.zeros(count, np.int32), ages=np.zeros(count, np.float32),
        hits=np.zeros(count, np.int32), time_since_seen=np.zeros(count, np.float32),
        states=np.full(count, TrackState.CONFIRMED, np.uint8),
        detection_indices=np.full(count, -1, np.int32))


def to_embeddings(tracks: Tracks, dim: int, header: Header) -> TrackEmbeddings:
    """Return the tracks' embeddings (unit rows of ``dim`` values); no ids where there are none."""
    msg = TrackEmbeddings(header=header, dim=dim)
    if tracks.embeddings is not None:
        known = np.flatnonzero(tracks.embeddings.any(axis=1))
        msg.ids = [str(track_id) for track_id in tracks.ids[known].tolist()]
        msg.data.frombytes(np.ascontiguousarray(tracks.embeddings[known], np.float32).tobytes())
    return msg


def to_label_info(class_names: Sequence[str], threshold: float, header: Header) -> LabelInfo:
    """Return the names of the classes and the least score of a detection."""
    classes = [VisionClass(class_id=index, class_name=name)
               for index, name in enumerate(class_names)]
    return LabelInfo(header=header, class_map=classes, threshold=threshold)


def metres_per_pixel(asked: float, width: int | None) -> float:
    """
    Return the scale of the markers.

    :param asked: the parameter ``marker_scale``; 0 lets the image be :data:`VIEW_WIDTH` wide.
    :param width: of the image in pixels, None where it is not known.
    """
    return asked or (VIEW_WIDTH / width if width else USUAL_SCALE)


def text_colour(track_id: int) -> ColorRGBA:
    """Return the colour of a track, mixed with white until it is legible on a dark ground."""
    blue, green, red = (part / 255 for part in colour_of(track_id))
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    white = max(0.0, (_LEGIBLE - luminance) / (1 - luminance)) if luminance < 1 else 0.0
    red, green, blue = (part + white * (1 - part) for part in (red, green, blue))
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)


def to_markers(tracks: Tracks, labels: Sequence[str], header: Header, scale: float) -> MarkerArray:
    """
    Return boxes and ids for rviz, in the plane z = 0 of the image's frame.

    Pixels are multiplied by ``scale`` (metres per pixel); x points right and y down in the image,
    as in an optical frame.
    """
    outlines = Marker(header=header, ns='boxes', id=0, type=Marker.LINE_LIST, action=Marker.ADD,
                      lifetime=MARKER_LIFETIME)
    outlines.pose.orientation.w = 1.0
    outlines.scale.x = 2 * scale
    markers = [Marker(header=header, action=Marker.DELETEALL), outlines]
    columns = zip(tracks.ids.tolist(), (tracks.boxes * scale).tolist(), labels, strict=True)
    for track_id, (left, top, right, bottom), label in columns:
        blue, green, red = colour_of(track_id)
        colour = ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=1.0)
        corners = [Point(x=left, y=top), Point(x=right, y=top), Point(x=right, y=bottom),
                   Point(x=left, y=bottom)]
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
            outlines.points += [start, end]
            outlines.colors += [colour, colour]
        markers.append(_text_marker(track_id, f'{label} {track_id}', left, top, header, scale))
    return MarkerArray(markers=markers)


def _text_marker(track_id: int, text: str, left: float, top: float, header: Header,
                 scale: float) -> Marker:
    """Return a label above a box's corner."""
    # Marker ids are int32; track ids may grow beyond it.
    marker = Marker(header=header, ns='ids', id=track_id & 0x7FFFFFFF, action=Marker.ADD,
                    type=Marker.TEXT_VIEW_FACING, text=text, color=text_colour(track_id),
                    lifetime=MARKER_LIFETIME)
    marker.pose.position.x = left
    marker.pose.position.y = top - 8 * scale
    marker.pose.orientation.w = 1.0
    marker.scale.z = 16 * scale
    marker.scale.x = LETTER_SPACE * marker.scale.z
    return marker
