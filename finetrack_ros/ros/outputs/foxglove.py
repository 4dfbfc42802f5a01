# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn tracks into annotations that Foxglove draws over the image.

Only where the package ``foxglove_msgs`` is installed; see :func:`annotation_types`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from std_msgs.msg import Header

from finetrack_ros.io.drawing import Colour, colour_of, ink_on
from finetrack_ros.tracking import Tracks

_USUAL_SIZE = (640, 480)


def annotation_types() -> Any:
    """Return the module ``foxglove_msgs.msg``, None where the package is not installed."""
    return import_module('foxglove_msgs.msg') if find_spec('foxglove_msgs') else None


def to_annotations(types: Any, tracks: Tracks, labels: Sequence[str], header: Header,
                   size: tuple[int, int] | None) -> Any:
    """
    Return boxes and labels as foxglove_msgs/ImageAnnotations, in pixels of the image.

    :param types: what :func:`annotation_types` returned.
    :param labels: [M], texts of the classes.
    :param size: width and height of the image; lines and letters grow with it. None where it is
        not known.
    """
    side = min(size or _USUAL_SIZE)
    thickness = float(max(1, round(side / 300)))
    font_size = float(max(12, round(side / 30)))
    # The array's own timestamp exists in newer releases only, so the stamp is on each annotation.
    msg = types.ImageAnnotations()
    columns = zip(tracks.ids.tolist(), tracks.boxes.tolist(), labels, strict=True)
    for track_id, (left, top, right, bottom), label in columns:
        colour = colour_of(track_id)
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        msg.points.append(types.PointsAnnotation(
            timestamp=header.stamp, type=types.PointsAnnotation.LINE_LOOP,
            points=[types.Point2(x=x, y=y) for x, y in corners],
            outline_color=_opaque(types, colour), thickness=thickness))
        msg.texts.append(types.TextAnnotation(
            timestamp=header.stamp, position=types.Point2(x=left, y=top),
            text=f'{label} {track_id}', font_size=font_size,
            text_color=_opaque(types, ink_on(colour)), background_color=_opaque(types, colour)))
    return msg


def _opaque(types: Any, colour: Colour) -> Any:
    blue, green, red = colour
    return types.Color(r=red / 255, g=green / 255, b=blue / 255, a=1.0)
