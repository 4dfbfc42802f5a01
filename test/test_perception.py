# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Any detector and any embedder take part, and nothing of a call stays behind."""

from __future__ import annotations

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError
from finetrack_ros.perception import Perception
from finetrack_ros.protocols import DetectionOptions, Perceived, StageTimes
from finetrack_ros.stream import Stream
from finetrack_ros.tracking import TrackerConfig

IMAGE = np.zeros((48, 64, 3), np.uint8)
FOUND = Detections(np.array([[1, 2, 30, 40]]), np.array([0.9]), np.zeros(1))


class Finder:
    """Finds one object in each image and cannot describe it."""

    class_names = ('thing',)

    def __init__(self):
        self.asked = []

    def infer(self, images, options=None):
        self.asked.append(options)
        return [FOUND] * len(images)


class Describer:
    """Describes boxes by the unit vector of their left side."""

    def __init__(self):
        self.labels = []

    def embed(self, images, boxes, labels=None):
        self.labels.append(labels)
        return [np.eye(4, dtype=np.float32)[rows[:, 0].astype(int)] for rows in boxes]


def test_a_detector_alone_gives_no_embeddings():
    finder, options = Finder(), DetectionOptions(score_threshold=0.4)
    found = Perception(finder).detect([IMAGE, IMAGE], options)
    assert [len(one) for one in found] == [1, 1] and found[0].embeddings is None
    assert finder.asked == [options]


def test_detector_and_embedder_join():
    perceived = Perception(Finder(), Describer()).perceive([IMAGE])
    assert perceived[0].embeddings.tolist() == [[0, 1, 0, 0]]
    assert [name for name, _ in perceived.times.items()] == ['detect', 'embed']


@pytest.mark.parametrize('given', [None, [FOUND]])
def test_embeddings_are_left_out_where_none_are_asked_for(given):
    options = DetectionOptions(embeddings=False)
    found = Perception(Finder(), Describer()).detect([IMAGE], options, given)
    assert found[0].embeddings is None


def test_only_given_detections_without_embeddings_are_described():
    describer = Describer()
    own = Detections(FOUND.boxes, FOUND.scores, FOUND.classes, np.full((1, 4), 0.5, np.float32))
    found = Perception(None, describer).detect(
        [IMAGE, IMAGE], given=[own, FOUND], labels=[['dog'], ['person']])
    assert found[0] is own and found[1].embeddings.tolist() == [[0, 1, 0, 0]]
    assert describer.labels == [[['person']]]


def test_a_detector_that_times_itself_is_believed():
    class Timed(Finder):
        def infer(self, images, options=None):
            return Perceived([FOUND], StageTimes(preprocess=1.0, detect=2.0))

    assert Perception(Timed()).perceive([IMAGE]).times.items() == [
        ('preprocess', 1.0), ('detect', 2.0)]


def test_nobody_detects():
    with pytest.raises(ValueError, match='needs detections'):
        Perception(None).detect([IMAGE])


@pytest.mark.parametrize('values', [
    {'score_threshold': -0.1}, {'nms_threshold': 2}, {'max_detections': 0}])
def test_options_out_of_range_are_refused(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        DetectionOptions(**values)


def test_a_stream_takes_new_settings_and_keeps_its_tracks():
    stream = Stream(TrackerConfig(confirm_hits=1, camera_motion='off'))
    first = stream.track(stream.observe(IMAGE, FOUND), 0.0)
    stream.configure(TrackerConfig(confirm_hits=1, camera_motion='flow'))
    seen = stream.observe(IMAGE, FOUND, StageTimes(detect=1.0))
    assert stream.track(seen, 0.1).ids.tolist() == first.ids.tolist() == [1]
    assert [name for name, _ in seen.times.items()] == ['detect', 'motion']
    assert stream.track(stream.observe(None, FOUND), -9.0).ids.tolist() == [2]
    assert stream.jumps == 1
