# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pipeline tracks its own detections or somebody else's, with and without a model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.errors import InputError
from finetrack_ros.inference import FineTrackRunner, load_model
from finetrack_ros.pipeline import Pipeline

IMAGE = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
FOREIGN = Detections(
    np.array([[10, 20, 60, 200], [150, 30, 210, 220]], np.float32),
    np.array([0.9, 0.8], np.float32), np.zeros(2, np.int32))


@pytest.fixture(scope='module')
def runner() -> FineTrackRunner:
    return load_model('finetrack_nano', device='cpu', threads=1, input_size=320)


def test_foreign_detections_are_tracked_without_a_model() -> None:
    """No model is needed for association alone."""
    pipeline = Pipeline(None)
    pipeline.step(IMAGE, 0.0, FOREIGN)
    done = pipeline.process(IMAGE, 0.1, FOREIGN)
    tracks = done.tracks
    np.testing.assert_array_equal(tracks.ids, [1, 2])
    np.testing.assert_array_equal(tracks.boxes, FOREIGN.boxes)
    assert tracks.embeddings is None
    assert [name for name, _ in done.times.items()] == ['motion', 'track']


def test_foreign_detections_get_embeddings_from_the_model(runner: FineTrackRunner) -> None:
    """The model describes the boxes that it was given, and adds none of its own."""
    tracks = Pipeline(runner).step(IMAGE, 0.0, FOREIGN)
    np.testing.assert_array_equal(tracks.boxes, FOREIGN.boxes)
    expected = runner.embed([IMAGE], [FOREIGN.boxes])[0]
    np.testing.assert_allclose(tracks.embeddings, expected, atol=1e-5)


def test_foreign_embeddings_are_kept(runner: FineTrackRunner) -> None:
    """Who brings embeddings has them tracked as they are."""
    own = np.eye(2, 8, dtype=np.float32)
    tracks = Pipeline(runner).step(IMAGE, 0.0, replace(FOREIGN, embeddings=own))
    np.testing.assert_allclose(tracks.embeddings, own, atol=1e-6)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('bad', [
    [np.nan, 10, 50, 100], [50, 100, 10, 10], [np.inf, 0, np.inf, 5], [-1e12, 0, 1e12, 50],
    [-np.inf, -np.inf, np.inf, np.inf]])
def test_impossible_boxes_cost_nothing_else(runner: FineTrackRunner, bad: list[float]) -> None:
    """A box that is none is rejected by the tracker, and disturbs no other on its way there."""
    boxes = np.concatenate([np.array([bad], np.float32), FOREIGN.boxes])
    found = Detections(boxes, np.full(3, 0.9), np.zeros(3))
    for model in (runner, None):
        pipeline = Pipeline(model)
        assert pipeline.step(IMAGE, 0.0, found).detection_indices.tolist() == [1, 2]
        assert pipeline.stream.tracker.rejected == 1


BAD_IMAGES = {
    'None': (None, 'image is None: give a NumPy array'),
    'list': (IMAGE[:2, :2].tolist(), 'image is a list'),
    'grey': (IMAGE[..., 0], 'it is grey; convert it with cv2.cvtColor'),
    'grey with an axis': (IMAGE[..., :1], 'it is grey'),
    'BGRA': (np.dstack([IMAGE, IMAGE[..., :1]]), 'four channels; convert it with'),
    'two channels': (IMAGE[..., :2], r'image is uint8 \[240, 320, 2\]: give one image'),
    'batch': (IMAGE[None], 'give one image'),
    'float': (IMAGE / 255, r'float64 .*\(255 \* image\)'),
    'float32': (IMAGE.astype(np.float32), 'float32'),
    'uint16': (IMAGE.astype(np.uint16) << 8, r'uint16 .*image >> 8'),
    'int': (IMAGE.astype(int), 'int64'),
    'bool': (IMAGE > 100, 'bool'),
    'empty': (IMAGE[:0], 'it is empty'),
    'no columns': (IMAGE[:, :0], 'it is empty'),
    'scalar': (np.uint8(3), 'give a NumPy array'),
}


@pytest.mark.parametrize('case', BAD_IMAGES)
def test_images_that_are_none_are_explained(runner: FineTrackRunner, case: str) -> None:
    """Whoever passes another kind of image learns what to convert, and no track is lost."""
    image, problem = BAD_IMAGES[case]
    pipeline = Pipeline(None)
    pipeline.step(IMAGE, 0.0, FOREIGN)
    calls = [lambda: pipeline.step(image, 0.1, FOREIGN), lambda: Pipeline(runner).step(image),
             lambda: runner.infer([IMAGE, image]), lambda: runner.embed([image], [FOREIGN.boxes])]
    if image is not None:
        calls.append(lambda: pipeline.stream.observe(image, FOREIGN))
    for call in calls:
        with pytest.raises(InputError, match=problem):
            call()
    assert pipeline.step(IMAGE, 0.1, FOREIGN).ids.tolist() == [1, 2]


@pytest.mark.parametrize('view', [
    lambda image: image[:, ::-1], lambda image: image[..., ::-1], lambda image: image[::2, ::3],
    lambda image: np.asfortranarray(image),
    lambda image: image[:1, :1], lambda image: image[:1],
    lambda image: image[:, :1]])
def test_any_view_of_an_image_is_taken(runner: FineTrackRunner, view: Any) -> None:
    """What matters is what the array holds, not how it lies in memory."""
    image = view(IMAGE)
    pipeline, other = Pipeline(runner), Pipeline(runner)
    for stamp in (0.0, 0.1, 0.2):
        found = pipeline.step(image, stamp)
        expected = other.step(np.array(image, order='C'), stamp)
        np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_neither_model_nor_detections() -> None:
    """There is nothing to track."""
    with pytest.raises(ValueError, match='needs detections'):
        Pipeline(None).step(IMAGE, 0.0)
