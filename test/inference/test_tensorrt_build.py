# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT-RTX, which builds without a GPU, reads and builds what is exported."""

import logging
from pathlib import Path
import subprocess
import sys

import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference import tensorrt_spec
from finetrack_ros.inference.cuda import CudaError, DriverCuda
from finetrack_ros.inference.loading import model_folder
from finetrack_ros.inference.registry import EngineOptions, EngineUnavailableError
from finetrack_ros.inference.tensorrt_build import build_plan, Limits, make_logger

CALLED = {
    'ICudaEngine': ('num_io_tensors', 'get_tensor_name', 'get_tensor_dtype', 'get_tensor_mode',
                    'get_tensor_shape', 'create_execution_context'),
    'IExecutionContext': ('set_input_shape', 'set_tensor_address', 'infer_shapes',
                          'get_tensor_shape', 'execute_async_v3'),
    'Runtime': ('deserialize_cuda_engine',),
    'TensorIOMode': ('OUTPUT',),
    'ILogger': ('ERROR',),
}


@pytest.fixture(scope='module')
def trt():
    return pytest.importorskip('tensorrt_rtx', reason='needs the extra "tensorrt-rtx"')


@pytest.fixture(scope='module', params=['shipped', 'fp16'])
def folder(request, tmp_path_factory) -> Path:
    """Return the shipped graphs, or half precision ones of an untrained model."""
    if request.param == 'shipped':
        return model_folder('finetrack_nano')
    pytest.importorskip('onnxscript', reason='needs the extra "train"')
    from finetrack_ros.models import FineTrack
    from finetrack_ros.models.export import export_onnx

    path = tmp_path_factory.mktemp(request.param)
    export_onnx(FineTrack(), path, 'grid_sample', precision=request.param)
    return path


@pytest.mark.parametrize('graph', ['detector', 'embedder'])
@pytest.mark.parametrize('capability', [(8, 6), (12, 0)])
def test_both_graphs_build(trt, folder, graph, capability):
    plan = build_plan(trt, make_logger(trt), folder / f'{graph}.onnx', Limits(), capability)
    assert len(plan) > 100_000


def test_what_is_no_graph_is_refused(trt, tmp_path):
    path = tmp_path / 'embedder.onnx'
    path.write_bytes(b'no model')
    with pytest.raises(ModelError, match=r'embedder\.onnx: TensorRT cannot read it'):
        build_plan(trt, make_logger(trt), path, Limits(), (8, 6))


@pytest.mark.parametrize('library', ['tensorrt_rtx', 'tensorrt_lean', 'tensorrt'])
def test_libraries_have_what_is_called(library):
    """In a process of its own: several of these libraries do not share one."""
    program = (f'import {library} as trt\nfor name, members in {CALLED}.items():\n'
               '    for one in members: getattr(getattr(trt, name), one)\nprint(trt.nptype)')
    found = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                           check=False)
    if 'ModuleNotFoundError' in found.stderr:
        pytest.skip(f'{library} is not in this environment')
    assert found.returncode == 0, found.stderr


def test_limits_are_shapes():
    limits = Limits(batch=2, targets=3, smallest=64, largest=128)
    assert limits.shapes('images', (-1, -1, -1, 3))[2] == (2, 128, 128, 3)
    assert limits.shapes('features', (-1, 64, -1, -1))[0] == (1, 64, 8, 8)
    assert limits.shapes('rois', (-1, 5)) == ((1, 5), (3, 5), (3, 5))
    assert limits.text() != Limits().text()


class Library:
    """TensorRT without anything in it."""

    __name__, __version__ = 'tensorrt', '10.3.0'


def gpu(capability):
    class Gpu:
        name = 'Fake GPU'

        def __init__(self, index):
            self.capability = capability
    return Gpu


def test_a_machine_without_gpu_is_told(monkeypatch):
    class NoGpu:

        def __init__(self, index):
            raise CudaError('there is no NVIDIA driver')
    monkeypatch.setattr(tensorrt_spec, 'DriverCuda', NoGpu)
    spec = tensorrt_spec.make_spec(Library, 'TensorRT')
    with pytest.raises(EngineUnavailableError, match='no NVIDIA driver; check .*nvidia-smi'):
        spec.candidates()
    with pytest.raises(EngineUnavailableError, match='no NVIDIA driver'):
        spec.create(Path(), 'cuda:1', EngineOptions())


def test_what_does_not_fit_is_told(monkeypatch):
    monkeypatch.setattr(tensorrt_spec, 'DriverCuda', gpu((8, 7)))
    spec = tensorrt_spec.make_spec(Library, 'TensorRT')
    assert spec.candidates() == ['cuda']
    with pytest.raises(ConfigError, match='runs on cuda or cuda:N only'):
        spec.create(Path(), 'cpu', EngineOptions())
    with pytest.raises(ConfigError, match="precision 'bf16': TensorRT runs"):
        spec.create(Path(), 'cuda', EngineOptions(precision='bf16'))
    rtx = tensorrt_spec.make_spec(Library, 'TensorRT-RTX', frozenset({(8, 7)}))
    with pytest.raises(EngineUnavailableError, match=r'does not run on Fake GPU .*8\.7'):
        rtx.candidates()
    monkeypatch.setattr(Library, '__version__', '8.6.1')
    with pytest.raises(EngineUnavailableError, match='8.6.1 is too old; install 10.0 or later'):
        spec.candidates()


def test_no_driver_is_an_error_of_cuda(monkeypatch):
    monkeypatch.setattr('finetrack_ros.inference.cuda._LIBRARY', 'libno_such_driver.so.1')
    with pytest.raises(CudaError, match='there is no NVIDIA driver'):
        DriverCuda()


def test_progress_is_told_while_building(trt, caplog, monkeypatch):
    from finetrack_ros.inference import tensorrt_build

    monkeypatch.setattr(tensorrt_build, '_SECONDS', 0.0)
    caplog.set_level(logging.INFO)
    monitor = tensorrt_build._progress(trt, 'detector.onnx')
    monitor.phase_start('Building', None, 4)
    assert monitor.step_complete('Building', 0)
    monitor.phase_finish('Building')
    assert 'building detector.onnx: Building, step 1 of 4' in caplog.text
