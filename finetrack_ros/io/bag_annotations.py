# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes and ids over the images of a bag, as Foxglove draws them, without ROS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from rosbags.typesys import get_types_from_msg
from rosbags.typesys.store import Typestore

from finetrack_ros.io.bag_types import typestore
from finetrack_ros.io.drawing import Colour, colour_of, ink_on
from finetrack_ros.tracking import Tracks

ANNOTATIONS = 'foxglove_msgs/msg/ImageAnnotations'

_LINE_LOOP = 2
_TIME, _POINT, _COLOUR = ('builtin_interfaces/Time', 'foxglove_msgs/Point2', 'foxglove_msgs/Color')
_DEFINITIONS = {
    'foxglove_msgs/msg/Point2': 'float64 x\nfloat64 y',
    'foxglove_msgs/msg/Color': 'float64 r\nfloat64 g\nfloat64 b\nfloat64 a',
    'foxglove_msgs/msg/CircleAnnotation':
        f'{_TIME} timestamp\n{_POINT} position\nfloat64 diameter\nfloat64 thickness\n'
        f'{_COLOUR} fill_color\n{_COLOUR} outline_color',
    'foxglove_msgs/msg/PointsAnnotation':
        'uint8 UNKNOWN=0\nuint8 POINTS=1\nuint8 LINE_LOOP=2\nuint8 LINE_STRIP=3\n'
        f'uint8 LINE_LIST=4\n{_TIME} timestamp\nuint8 type\n{_POINT}[] points\n'
        f'{_COLOUR} outline_color\n{_COLOUR}[] outline_colors\n{_COLOUR} fill_color\n'
        'float64 thickness',
    'foxglove_msgs/msg/TextAnnotation':
        f'{_TIME} timestamp\n{_POINT} position\nstring text\nfloat64 font_size\n'
        f'{_COLOUR} text_color\n{_COLOUR} background_color',
    ANNOTATIONS:
        'foxglove_msgs/CircleAnnotation[] circles\nfoxglove_msgs/PointsAnnotation[] points\n'
        'foxglove_msgs/TextAnnotation[] texts',
}


@cache
def annotation_store() -> Typestore:
    """Return the types of bags with those of foxglove_msgs beside them."""
    store = typestore()
    for name, definition in _DEFINITIONS.items():
        store.register(get_types_from_msg(definition, name))
    return store


def to_annotations(tracks: Tracks, labels: Sequence[str], sec: int, nanosec: int,
                   size: tuple[int, int]) -> Any:
    """
    Return boxes and labels as foxglove_msgs/ImageAnnotations of rosbags, in pixels of the image.

    :param labels: [M], texts of the classes.
    :param size: width and height of the image; lines and letters grow with it.
    """
    types = annotation_store().types
    stamp = types['builtin_interfaces/msg/Time'](sec, nanosec)
    point = types['foxglove_msgs/msg/Point2']
    clear = types['foxglove_msgs/msg/Color'](0.0, 0.0, 0.0, 0.0)
    thickness, height = (float(max(least, round(min(size) / share)))
                         for least, share in ((1, 300), (12, 30)))
    loops, texts = [], []
    columns = zip(tracks.ids.tolist(), tracks.boxes.tolist(), labels, strict=True)
    for track_id, (left, top, right, bottom), label in columns:
        colour = colour_of(track_id)
        corners = [point(x, y) for x, y in (
            (left, top), (right, top), (right, bottom), (left, bottom))]
        loops.append(types['foxglove_msgs/msg/PointsAnnotation'](
            stamp, _LINE_LOOP, corners, _opaque(colour), [], clear, thickness))
        texts.append(types['foxglove_msgs/msg/TextAnnotation'](
            stamp, point(left, top), f'{label} {track_id}', height, _opaque(ink_on(colour)),
            _opaque(colour)))
    return types[ANNOTATIONS]([], loops, texts)


def _opaque(colour: Colour) -> Any:
    blue, green, red = (part / 255 for part in colour)
    return annotation_store().types['foxglove_msgs/msg/Color'](red, green, blue, 1.0)
