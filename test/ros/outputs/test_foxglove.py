# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Foxglove users get annotations, where its messages are installed."""

from dataclasses import field, make_dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from std_msgs.msg import Header

from finetrack_ros.io.drawing import colour_of
from finetrack_ros.ros.outputs.foxglove import annotation_types, to_annotations

pytestmark = pytest.mark.ros

SIZE = (1280, 720)


def recorder(name, fields, lists=()):
    """Return a class that holds these fields and refuses others, as a message does."""
    return make_dataclass(name, [
        *((n, object, None) for n in fields.split()),
        *((n, list, field(default_factory=list)) for n in lists)])


def oldest_types():
    """Return stand-ins with the fields of foxglove_msgs 2.2, which later releases add to."""
    points = recorder('PointsAnnotation', 'timestamp type outline_color fill_color thickness',
                      ['points', 'outline_colors'])
    points.LINE_LOOP = 2
    return SimpleNamespace(
        ImageAnnotations=recorder('ImageAnnotations', '', ['circles', 'points', 'texts']),
        PointsAnnotation=points,
        TextAnnotation=recorder(
            'TextAnnotation',
            'timestamp position text font_size text_color background_color'),
        Color=recorder('Color', 'r g b a'), Point2=recorder('Point2', 'x y'))


@pytest.fixture(params=['stand-in', 'foxglove_msgs'])
def types(request):
    found = oldest_types() if request.param == 'stand-in' else annotation_types()
    if found is None:
        pytest.skip('foxglove_msgs is not installed')
    return found


def tracks(*boxes):
    return SimpleNamespace(ids=np.arange(1, len(boxes) + 1),
                           boxes=np.array(boxes, np.float32).reshape(-1, 4))


def test_boxes_become_closed_lines(types):
    header = Header(frame_id='camera')
    header.stamp.sec = 3
    msg = to_annotations(types, tracks((1, 2, 30, 40)), ['person'], header, SIZE)
    outline, = msg.points
    assert [(p.x, p.y) for p in outline.points] == [(1, 2), (30, 2), (30, 40), (1, 40)]
    assert outline.type == 2
    assert outline.timestamp == header.stamp
    assert outline.thickness == 2.0
    blue, green, red = colour_of(1)
    colour = outline.outline_color
    assert (colour.r, colour.g, colour.b, colour.a) == (red / 255, green / 255, blue / 255, 1)


def test_labels_stand_on_the_boxes(types):
    msg = to_annotations(types, tracks((1, 2, 30, 40), (5, 6, 70, 80)), ['person', 'car'],
                         Header(), SIZE)
    assert [text.text for text in msg.texts] == ['person 1', 'car 2']
    assert [(text.position.x, text.position.y) for text in msg.texts] == [(1, 2), (5, 6)]
    assert all(text.text_color != text.background_color for text in msg.texts)


def test_no_tracks_clear_the_image(types):
    msg = to_annotations(types, tracks(), [], Header(), SIZE)
    assert len(msg.points) == len(msg.texts) == 0


def test_annotations_reach_subscribers_with_the_stamp_of_the_image(own_bench, make_camera):
    found = annotation_types()
    if found is None:
        pytest.skip('foxglove_msgs is not installed')
    own_bench.start_tracker(reliability='reliable')
    camera = make_camera(own_bench)
    messages = own_bench.subscribe(found.ImageAnnotations, '/tracker/annotations')
    own_bench.wait(lambda: camera.track((10, 20)) and messages, 'annotations')
    msg = camera.track((10, 20))
    own_bench.wait(lambda: messages[-1].points[0].timestamp == msg.header.stamp, 'same stamp')
    assert messages[-1].texts[0].text == f'square {msg.detections[0].id}'


def test_node_runs_without_the_package(own_bench, make_camera):
    if annotation_types() is not None:
        pytest.skip('foxglove_msgs is installed')
    own_bench.start_tracker(reliability='reliable')
    make_camera(own_bench)
    assert own_bench.node.count_publishers('/tracker/annotations') == 0
