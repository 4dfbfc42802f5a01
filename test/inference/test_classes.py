# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which classes are found, and which of them get embeddings."""

import numpy as np
import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference import FineTrackRunner, ModelInfo
from finetrack_ros.inference.classes import choose_classes
from finetrack_ros.inference.engine import DetectorOutput
from finetrack_ros.protocols import DetectionOptions

NAMES = ('car', 'person', 'traffic light', 'dog')
IMAGE = np.zeros((64, 64, 3), np.uint8)


@pytest.mark.parametrize(('wanted', 'known', 'chosen'), [
    ([], NAMES, ['person']), ([''], NAMES, ['person']), (['all'], NAMES, list(NAMES)),
    (['dog', 'car'], NAMES, ['car', 'dog']), ([' dog ', ''], NAMES, ['dog']),
    ([], ('square',), ['square']), ([], ('cat', 'dog'), ['cat', 'dog']),
    ([], ('person',), ['person'])])
def test_choices(wanted: list[str], known: tuple[str, ...], chosen: list[str]) -> None:
    """People where nothing is said, all where asked or where there are none."""
    assert choose_classes(wanted, known) == chosen


@pytest.mark.parametrize(('wanted', 'message'), [
    ('Person', 'did you mean person'), ('trafic light', 'did you mean traffic light'),
    ('unicorn', 'it knows car, person, traffic light, dog, or give all')])
def test_unknown_names_are_told_their_likes(wanted: str, message: str) -> None:
    """A name that the model does not know is refused with a remedy."""
    with pytest.raises(ConfigError, match=message):
        choose_classes([wanted], NAMES)


class FakeEngine:
    """Sees one box per class on the same spot, the later classes with higher scores."""

    name = device = 'fake'
    metadata = (None, None)

    def __init__(self) -> None:
        self.embedded: list[int] = []

    def detect(self, images: np.ndarray) -> DetectorOutput:
        """Return the boxes of each image; another car stands apart."""
        boxes = np.array([[8, 8, 30, 40]] * 4 + [[40, 8, 60, 40]], np.float32)
        scores = np.array([0.5, 0.6, 0.7, 0.8, 0.4], np.float32)
        count = len(images)
        return DetectorOutput(*(np.repeat(a[None], count, 0) for a in (
            boxes, scores, np.array([0, 1, 2, 3, 0], np.int32))), features=None)

    def embed(self, features: None, rois: np.ndarray, crops: np.ndarray) -> np.ndarray:
        """Return unit rows, and remember how many."""
        self.embedded.append(len(rois))
        return np.tile(np.float32([0.6, 0.8]), (len(rois), 1))


@pytest.fixture
def runner() -> FineTrackRunner:
    """Return a runner of four classes, of which two have embeddings."""
    info = ModelInfo('fake', NAMES, 2, (4, 2), ('car', 'person'))
    return FineTrackRunner(FakeEngine(), info, input_size=64)


def test_classes_change_between_calls(runner: FineTrackRunner) -> None:
    """What is found follows from the options of the call, and none of them outlives it."""
    assert runner.infer([IMAGE])[0].classes.tolist() == [1]
    asked = DetectionOptions(classes=['dog', 'car'])
    assert runner.infer([IMAGE], asked)[0].classes.tolist() == [3, 0, 0]
    with pytest.raises(ConfigError, match='doog'):
        runner.infer([IMAGE], DetectionOptions(classes=['doog']))
    assert runner.classes == ['person']
    assert runner.infer([IMAGE])[0].classes.tolist() == [1]


def test_most_detections_are_of_the_chosen_classes(runner: FineTrackRunner) -> None:
    """Classes that are not asked for take no place among the best detections."""
    found = runner.infer([IMAGE], DetectionOptions(classes=['car'], max_detections=2))[0]
    assert found.scores.tolist() == pytest.approx([0.5, 0.4])


def test_only_learnt_classes_are_embedded(runner: FineTrackRunner) -> None:
    """Other classes cost nothing, and their rows are zero."""
    found = runner.infer([IMAGE, IMAGE], DetectionOptions(classes=['all']))
    for detections in found:
        assert detections.classes.tolist() == [3, 2, 1, 0, 0]
        assert detections.embeddings.any(axis=1).tolist() == [False, False, True, True, True]
    assert runner.engine.embedded == [6]


def test_no_learnt_class_in_the_image(runner: FineTrackRunner) -> None:
    """The embedder does not run at all."""
    found = runner.infer([IMAGE], DetectionOptions(classes=['dog']))[0]
    assert found.embeddings.tolist() == [[0, 0]]
    assert runner.engine.embedded == []


def test_foreign_boxes_are_embedded_unless_known_as_another_class(
        runner: FineTrackRunner) -> None:
    """Names that the model does not know may be people by another name."""
    boxes = np.array([[0, 0, 9, 9]] * 3, np.float32)
    rows = runner.embed([IMAGE], [boxes], [['dog', 'pedestrian', 'person']])[0]
    assert rows.any(axis=1).tolist() == [False, True, True]
    assert runner.embed([IMAGE], [boxes])[0].any(axis=1).all()
