# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO gives ONNX Runtime's numbers, keeps what it compiles, and refuses what it cannot do."""

import json
import shutil
import sys

import numpy as np
import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference import load_model
from finetrack_ros.inference.cache import PlanCache
from finetrack_ros.inference.loading import WEIGHTS
from finetrack_ros.inference.onnxruntime_engine import OnnxRuntimeEngine
from finetrack_ros.inference.registry import EngineUnavailableError, find_engine

pytest.importorskip('openvino', reason='needs the extra "openvino"')

from finetrack_ros.inference import openvino_engine  # noqa: E402
from finetrack_ros.inference.openvino_engine import OpenVinoEngine  # noqa: E402

FOLDER = WEIGHTS / 'finetrack_nano'


@pytest.fixture(scope='module')
def cache(tmp_path_factory) -> PlanCache:
    return PlanCache(tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module')
def engine(cache) -> OpenVinoEngine:
    return OpenVinoEngine(FOLDER, cache=cache)


def images(batch=2, height=96, width=128):
    return np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)


def targets(count, batch=2, side=90):
    rng = np.random.default_rng(count)
    corners = np.sort(rng.uniform(0, side, (count, 2, 2)), axis=1).reshape(count, 4)
    rois = np.hstack([rng.integers(0, batch, (count, 1)), corners]).astype(np.float32)
    return rois, rng.integers(0, 256, (count, 96, 32, 3), np.uint8)


def test_detector_equals_onnx_runtime(engine):
    found, expected = engine.detect(images()), OnnxRuntimeEngine(FOLDER).detect(images())
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-2)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    np.testing.assert_array_equal(found.classes, expected.classes)
    assert found.classes.dtype == np.int32
    np.testing.assert_allclose(found.features.data, expected.features.numpy(), atol=1e-3)


@pytest.mark.parametrize('count', [0, 1, 5, 40, 200])
def test_embedder_equals_onnx_runtime(engine, count):
    other = OnnxRuntimeEngine(FOLDER)
    found = engine.embed(engine.detect(images()).features, *targets(count))
    expected = other.embed(other.detect(images()).features, *targets(count))
    assert found.shape == expected.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_features_outlive_the_next_call(engine):
    first = engine.detect(images())
    before = engine.embed(first.features, *targets(3))
    engine.detect(255 - images())
    np.testing.assert_array_equal(engine.embed(first.features, *targets(3)), before)


def test_sizes_that_come_often_are_compiled_and_others_run_anyway(cache, monkeypatch):
    monkeypatch.setattr(openvino_engine, 'MOST_SHAPES', 1)
    engine = OpenVinoEngine(FOLDER, cache=cache)
    engine.detect(images())
    static = OpenVinoEngine(FOLDER, cache=cache)
    for _ in range(openvino_engine._OFTEN):
        found = engine.detect(images(1, 64, 64))
    assert list(engine._detectors) == [(1, 64, 64, 3)]
    expected = static.detect(images(1, 64, 64))
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-2)


@pytest.mark.parametrize('data', [b'no model', b''])
def test_a_plan_that_does_not_load_is_compiled_anew(cache, monkeypatch, data):
    monkeypatch.setattr(PlanCache, 'load', lambda self, key: data)
    stored = []
    monkeypatch.setattr(PlanCache, 'store', lambda self, key, plan: stored.append(key))
    assert OpenVinoEngine(FOLDER, cache=cache).detect(images()).scores.size
    assert [key['graph'] for key in stored] == ['detector']


def test_what_is_compiled_is_taken_from_the_cache(engine, cache, monkeypatch):
    engine.detect(images())
    monkeypatch.setattr(PlanCache, 'store', lambda *_: pytest.fail('compiled anew'))
    assert OpenVinoEngine(FOLDER, cache=cache).detect(images()).scores.size


def test_bf16_is_near_where_the_cpu_has_it(engine, cache, monkeypatch):
    core = openvino_engine.ov.Core()
    if 'BF16' not in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'):
        with pytest.raises(ConfigError, match='cannot compute in it'):
            OpenVinoEngine(FOLDER, precision='bf16', cache=cache)
        pytest.skip('this CPU does not compute in bf16')
    half = OpenVinoEngine(FOLDER, precision='bf16', cache=cache)
    vectors = [one.embed(one.detect(images()).features, *targets(5)) for one in (half, engine)]
    assert 0.9 < np.sum(vectors[0] * vectors[1], axis=1).min() < 0.9999999


def test_precision_follows_the_export(cache, monkeypatch):
    asked = []
    monkeypatch.setattr(OpenVinoEngine, '_hint', lambda self, value: asked.append(value) or 'f32')
    monkeypatch.setattr(openvino_engine, 'read_metadata',
                        lambda path: json.dumps({'precision': 'bf16'}))
    OpenVinoEngine(FOLDER, cache=cache)
    OpenVinoEngine(FOLDER, precision='fp32', cache=cache)
    assert asked == ['bf16', 'fp32']


def test_auto_takes_it_on_a_cpu(caplog):
    runner = load_model(device='cpu', threads=1)
    assert (runner.engine_name, runner.device_name) == ('openvino', 'cpu')
    assert 'openvino on cpu is the fastest that starts' in runner.engine_reason
    assert not caplog.records


@pytest.mark.parametrize(('settings', 'message'), [
    ({'device': 'cuda'}, "device 'cuda': engine openvino runs on cpu only"),
    ({'precision': 'fp16'}, "precision 'fp16': engine openvino has fp32 and bf16")])
def test_what_it_cannot_do_is_refused(cache, settings, message):
    with pytest.raises(ConfigError, match=message):
        OpenVinoEngine(FOLDER, cache=cache, **settings)


def test_a_damaged_graph_is_refused_by_name(cache, tmp_path):
    shutil.copytree(FOLDER, tmp_path / 'stra\udcdfe')
    path = tmp_path / 'stra\udcdfe' / 'embedder.onnx'
    OpenVinoEngine(path.parent, cache=cache)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r'embedder\.onnx: .*finetrack export'):
        OpenVinoEngine(path.parent, cache=cache)


def test_failures_of_a_call_are_explained(engine):
    with pytest.raises(ModelError, match='inference with OpenVINO failed'):
        engine.detect(np.zeros((1, 64, 64, 5), np.uint8))


def test_other_machines_are_told(monkeypatch):
    monkeypatch.setattr(openvino_engine.platform, 'machine', lambda: 'riscv64')
    with pytest.raises(EngineUnavailableError, match='this machine is riscv64'):
        openvino_engine.available_devices()


def test_a_library_that_is_absent_is_told_with_the_remedy(monkeypatch):
    for name in ('engine', 'library'):
        monkeypatch.delitem(sys.modules, f'finetrack_ros.inference.openvino_{name}')
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(EngineUnavailableError, match='pip install openvino'):
        find_engine('openvino')
