# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The shipped model finds and embeds people; models and settings that do not fit are refused."""

from pathlib import Path
import shutil

import cv2
import numpy as np
import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.geometry import box_iou
from finetrack_ros.inference import FineTrackRunner, load_model, shipped_models
from finetrack_ros.inference.loading import WEIGHTS
from finetrack_ros.inference.registry import engine_names, EngineUnavailableError
from finetrack_ros.io import open_source
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.tracking import TrackerConfig


@pytest.fixture(scope='module', params=['onnxruntime', 'openvino'])
def runner(request: pytest.FixtureRequest) -> FineTrackRunner:
    try:
        return load_model('finetrack_nano', request.param, 'cpu', threads=1)
    except EngineUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope='module')
def frames(shared_data: Path) -> list[np.ndarray]:
    """Return every fifth frame of a street scene, four of them."""
    with open_source(str(shared_data / 'mot' / 'TUD-Campus')) as source:
        return [frame.image for frame in source if frame.index % 5 == 1][:4]


def test_shipped_model_says_what_it_is(runner: FineTrackRunner) -> None:
    """Name, classes, width, engine and device are there for a user to read."""
    assert runner.model_name == 'finetrack_nano'
    assert runner.model_name in shipped_models()
    assert runner.class_names == ['person']
    assert runner.embedding_dim == 512
    assert runner.engine_name in engine_names()
    assert runner.device_name == 'cpu'
    assert 'cpu' in runner.engine_reason


def test_people_are_found(runner: FineTrackRunner, frames: list[np.ndarray],
                          shared_data: Path) -> None:
    """Most annotated people of a street scene are found with confidence, in source pixels."""
    truth = np.loadtxt(shared_data / 'mot' / 'TUD-Campus' / 'gt' / 'gt.txt', delimiter=',')
    boxes = truth[truth[:, 0] == 1][:, 2:6]
    boxes[:, 2:] += boxes[:, :2]
    found = runner.infer(frames[:1])[0]
    overlap = box_iou(boxes.astype(np.float32), found.boxes[found.scores > 0.4])
    assert (overlap.max(axis=1) > 0.5).mean() >= 0.6


def test_batch_equals_single_images(runner: FineTrackRunner, frames: list[np.ndarray]) -> None:
    """Images of different shapes in one batch give what each gives alone at the same size."""
    images = [frames[0], frames[1][:400], np.zeros((64, 48, 3), np.uint8)]
    fixed = FineTrackRunner(runner.engine, runner.info, input_size=(480, 640))
    together = fixed.infer(images)
    for image, batched in zip(images, together, strict=True):
        alone = fixed.infer([image])[0]
        np.testing.assert_allclose(batched.boxes, alone.boxes, atol=0.1)
        np.testing.assert_allclose(batched.scores, alone.scores, atol=1e-3)
        np.testing.assert_allclose(batched.embeddings, alone.embeddings, atol=1e-3)


def test_images_of_different_sizes_in_one_batch(
        runner: FineTrackRunner, frames: list[np.ndarray]) -> None:
    """Cameras of different sizes share a batch, and each finds what it finds alone."""
    small = cv2.resize(frames[0], (320, 240), interpolation=cv2.INTER_AREA)
    assert runner.input_size == runner.info.input_rule
    together = runner.infer([small, frames[0]])
    for image, batched in zip((small, frames[0]), together, strict=True):
        alone = runner.infer([image])[0]
        sure = alone.scores > 0.5
        assert sure.sum() >= 3
        # The padding that the larger image asks for is seen at the border.
        nearest = box_iou(alone.boxes[sure], batched.boxes).max(axis=1)
        assert nearest.min() > 0.8


def test_empty_image_gives_empty_arrays(runner: FineTrackRunner) -> None:
    """An image without people gives no detections, with embeddings of the right width."""
    found = runner.infer([np.full((120, 160, 3), 114, np.uint8)])[0]
    assert found.boxes.shape == (0, 4)
    assert found.embeddings.shape == (0, 512)


def test_embeddings_are_unit_and_tell_people_apart(
        runner: FineTrackRunner, frames: list[np.ndarray], shared_data: Path) -> None:
    """The same person a moment later is nearer than others, for most people."""
    truth = np.loadtxt(shared_data / 'mot' / 'TUD-Campus' / 'gt' / 'gt.txt', delimiter=',')
    rows = [truth[truth[:, 0] == frame] for frame in (1, 11)]
    boxes = [np.hstack([r[:, 2:4], r[:, 2:4] + r[:, 4:6]]).astype(np.float32) for r in rows]
    first, later = runner.embed([frames[0], frames[2]], boxes)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1.0, atol=1e-4)
    nearest = rows[1][(first @ later.T).argmax(axis=1), 1]
    shared = np.isin(rows[0][:, 1], rows[1][:, 1])
    assert (nearest == rows[0][:, 1])[shared].mean() >= 0.7


def test_pipeline_keeps_ids_and_resets(runner: FineTrackRunner, frames: list[np.ndarray]) -> None:
    """Tracks on one frame again and again keep their ids; after a reset ids go on."""
    pipeline = Pipeline(runner)
    seen = [pipeline.step(frames[0], i / 25).ids.tolist() for i in range(6)]
    assert seen[-1]
    assert sorted(seen[-1]) == sorted(seen[-2])
    times = pipeline.process(frames[0], 6 / 25).times.items()
    assert [name for name, _ in times] == ['preprocess', 'detect', 'embed', 'motion', 'track']
    pipeline.reset()
    again = [pipeline.step(frames[0], 1 + i / 25).ids.tolist() for i in range(6)]
    assert min(again[-1]) > max(seen[-1])


def test_more_ids_hold_while_the_camera_pans(
        runner: FineTrackRunner, shared_data: Path) -> None:
    """A fast pan over people who stand still changes fewer ids when it is taken out."""
    with open_source(str(shared_data / 'mot' / 'ETH-Sunnyday')) as source:
        street = next(iter(source)).image
    held = {}
    for camera_motion in ('flow', 'off'):
        config = TrackerConfig(camera_motion=camera_motion, memory_seconds=0.0)
        pipeline = Pipeline(runner, config)
        ids = []
        for i in range(5):
            view = np.ascontiguousarray(street[:, 40 * i:40 * i + 400])
            ids.append(set(pipeline.step(view, i / 10).ids.tolist()))
        held[camera_motion] = len(ids[0] & ids[-1])
    assert held['flow'] > held['off']


def test_missing_model_names_the_shipped_ones() -> None:
    """A name that does not exist is refused with those that do."""
    with pytest.raises(ModelError, match='finetrack_nano'):
        load_model('no_such_model')


def test_missing_graph_is_named(tmp_path: Path) -> None:
    """A folder with one graph of two is refused by the missing one's name."""
    shutil.copy(WEIGHTS / 'finetrack_nano' / 'detector.onnx', tmp_path)
    with pytest.raises(ModelError, match=r'embedder\.onnx is missing'):
        load_model(tmp_path)


def test_damaged_graph_is_refused(tmp_path: Path) -> None:
    """A truncated file is refused by name, with the remedy."""
    for name in ('detector.onnx', 'embedder.onnx'):
        data = (WEIGHTS / 'finetrack_nano' / name).read_bytes()
        (tmp_path / name).write_bytes(data[:len(data) // 2])
    with pytest.raises(ModelError, match='finetrack export'):
        load_model(tmp_path)


def test_foreign_graph_is_refused(tmp_path: Path, shared_data: Path) -> None:
    """A model of another architecture is refused as such."""
    for name in ('detector.onnx', 'embedder.onnx'):
        shutil.copy(shared_data / 'weights' / 'yolox_nano.onnx', tmp_path / name)
    with pytest.raises(ModelError, match='another architecture'):
        load_model(tmp_path)


def test_file_instead_of_folder_is_refused(shared_data: Path) -> None:
    """A path to one graph is refused: a model is a folder of two."""
    with pytest.raises(ModelError, match='folder'):
        load_model(shared_data / 'weights' / 'yolox_nano.onnx')


@pytest.mark.parametrize(('settings', 'message'), [
    ({'engine': 'abacus'}, 'engine'), ({'device': 'tpu'}, 'device'),
    ({'device': 'cuda:x'}, 'device'), ({'input_size': 100}, 'multiples of 32'),
    ({'classes': ['Person']}, 'did you mean person'),
    ({'score_threshold': 1.5}, 'score_threshold'), ({'nms_threshold': -1}, 'nms_threshold')])
def test_bad_settings_are_refused(settings: dict, message: str) -> None:
    """A setting out of range is refused by name."""
    with pytest.raises(ConfigError, match=message):
        load_model('finetrack_nano', **settings)
