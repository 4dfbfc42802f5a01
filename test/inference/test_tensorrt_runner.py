# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The TensorRT runner, on a GPU in memory: parts, profiles, stale plans, full memory."""

from concurrent.futures import ThreadPoolExecutor
import logging

from fake_tensorrt import FakeCuda, FakeTensorRt
import numpy as np
import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.inference.cache import PlanCache
from finetrack_ros.inference.loading import read_info, WEIGHTS
from finetrack_ros.inference.onnxruntime_engine import OnnxRuntimeEngine
from finetrack_ros.inference.tensorrt_build import Limits
from finetrack_ros.inference.tensorrt_runner import TensorRtEngine

FOLDER = WEIGHTS / 'finetrack_nano'
LIMITS = Limits(batch=2, targets=4, smallest=64, largest=128)


@pytest.fixture
def trt() -> FakeTensorRt:
    return FakeTensorRt()


@pytest.fixture
def cuda() -> FakeCuda:
    return FakeCuda()


@pytest.fixture
def cache(tmp_path) -> PlanCache:
    return PlanCache(tmp_path)


@pytest.fixture
def start(trt, cuda, cache):
    """Return a function that starts an engine, on what it is given in place of the fixtures."""
    def make(**changes):
        return TensorRtEngine(**{'trt': trt, 'folder': FOLDER, 'cuda': cuda, 'cache': cache,
                                 'limits': LIMITS, **changes})
    return make


def images(batch, height=96, width=128):
    return np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)


def targets(count, batch):
    rng = np.random.default_rng(count)
    corners = np.sort(rng.uniform(0, 90, (count, 2, 2)), axis=1).reshape(count, 4)
    rois = np.hstack([rng.integers(0, batch, (count, 1)), corners]).astype(np.float32)
    return rois, rng.integers(0, 256, (count, 96, 32, 3), np.uint8)


@pytest.mark.parametrize(('batch', 'count'), [(1, 0), (1, 1), (2, 4), (3, 5), (5, 23)])
def test_parts_give_the_whole(start, trt, batch, count):
    engine, other = start(), OnnxRuntimeEngine(FOLDER)
    found, expected = engine.detect(images(batch)), other.detect(images(batch))
    for name in ('boxes', 'scores', 'classes'):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-3)
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    vectors = engine.embed(found.features, *targets(count, batch))
    # ONNX Runtime before 1.24 refuses an empty batch, and the runner does not ask for one.
    wanted = other.embed(expected.features, *targets(count, batch)) if count \
        else np.zeros((0, 512), np.float32)
    np.testing.assert_allclose(vectors, wanted, atol=1e-4)
    assert vectors.dtype == np.float32
    assert max(shape[0] for name, shape in trt.shapes if name == 'images') <= LIMITS.batch
    assert max([shape[0] for name, shape in trt.shapes if name == 'rois'],
               default=0) <= LIMITS.targets


def test_a_tracker_runs_on_it(start):
    engine = start(limits=Limits())
    runner = FineTrackRunner(engine, read_info(FOLDER, engine.metadata))
    runner.warm_up(64, 64)
    assert runner.infer([np.zeros((64, 48, 3), np.uint8)])[0].embeddings.shape[1] == 512


def test_memory_is_used_again_and_features_outlive_the_next_call(start, cuda):
    engine = start()
    first = engine.detect(images(2)).features
    before = engine.embed(first, *targets(5, 2))
    engine.detect(255 - images(2))
    np.testing.assert_array_equal(engine.embed(first, *targets(5, 2)), before)
    allocations = cuda.allocations
    for _ in range(3):
        engine.embed(engine.detect(images(2)).features, *targets(5, 2))
    assert cuda.allocations <= allocations + 1


@pytest.mark.parametrize('size', [(32, 64), (96, 160)])
def test_sizes_outside_of_the_plan_are_refused_with_the_limits(start, size):
    with pytest.raises(ConfigError, match='takes sides from 64 to 128; set input_size'):
        start().detect(images(1, *size))


def test_plans_are_built_once(start, trt):
    start()
    start()
    assert trt.builds == 2
    other = FakeTensorRt('10.4.0')
    start(trt=other)
    assert other.builds == 2


@pytest.mark.parametrize('change', [{'name': 'Other GPU'}, {'capability': (8, 7)}])
def test_another_gpu_gets_plans_of_its_own(start, trt, cuda, change):
    start()
    for name, value in change.items():
        setattr(cuda, name, value)
    start()
    assert trt.builds == 4


def test_a_plan_that_does_not_load_is_built_again_once(start, trt):
    start()
    trt.stale = 1
    assert start().detect(images(1)).scores.size
    assert trt.builds == 3
    trt.stale = 2
    with pytest.raises(ModelError, match='just built does not load on Fake GPU; update the dri'):
        start()


def test_a_corrupt_plan_is_built_again(start, trt, cache, caplog):
    start()
    for plan in cache.plans():
        plan.path.write_bytes(plan.path.read_bytes()[:-9])
    assert start().detect(images(1)).scores.size
    assert trt.builds == 4 and 'compiled anew' in caplog.text


def test_two_nodes_build_once(start, trt, cache):
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: start(cache=PlanCache(cache.folder), cuda=FakeCuda()), range(2)))
    assert trt.builds == 2


def test_an_unwritable_cache_costs_time_only(start, tmp_path, caplog):
    (tmp_path / 'file').write_text('')
    assert start(cache=PlanCache(tmp_path / 'file')).detect(images(1)).scores.size
    assert 'set FINETRACK_CACHE' in caplog.text


def test_a_graph_that_is_not_read_or_built_is_named(start, trt):
    trt.readable = False
    with pytest.raises(ModelError, match=r'detector\.onnx: .*UInt8.*export --engine tensorrt'):
        start()
    trt.readable, trt.buildable = True, False
    with pytest.raises(ModelError, match=r'detector\.onnx: TensorRT could not build it'):
        start()


def test_foreign_files_are_refused_before_anything_is_built(start, trt, tmp_path):
    for name in ('detector.onnx', 'embedder.onnx'):
        (tmp_path / name).write_bytes(b'\x08\x07')
    with pytest.raises(ModelError, match=r'detector\.onnx: is no FineTrack graph'):
        start(folder=tmp_path)
    (tmp_path / 'detector.onnx').write_bytes(b'no model')
    with pytest.raises(ModelError, match='is damaged or no ONNX file'):
        start(folder=tmp_path)
    assert trt.builds == 0


def test_full_memory_is_explained_and_passes(start, trt, cuda):
    engine = start()
    cuda.most = 100000
    with pytest.raises(ModelError, match='out of memory .*lower input_size'):
        engine.detect(images(2))
    cuda.most = 1 << 30
    assert engine.detect(images(2)).scores.size
    trt.full = True
    with pytest.raises(ModelError, match='memory of the GPU is full'):
        start()


def test_a_run_that_fails_is_explained(start, trt):
    engine = start()
    trt.fails = True
    with pytest.raises(ModelError, match='the plan did not run'):
        engine.detect(images(1))


def test_building_is_announced(start, caplog):
    caplog.set_level(logging.INFO)
    start()
    assert 'building detector.onnx for TensorRT' in caplog.text
