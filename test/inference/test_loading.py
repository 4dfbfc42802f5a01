# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A device that does not start is passed over where any may be taken, and named where not."""

import logging
import shutil

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors
import pytest

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference import load_model, onnxruntime_engine
from finetrack_ros.inference.loading import WEIGHTS


def no_session(error):
    """Return a session class that cannot start CUDA, as a driver that is absent makes it."""
    class Session(ort.InferenceSession):

        def __init__(self, path, options, providers):
            if isinstance(providers[0], tuple) and error is not None:
                raise error
            super().__init__(path, options, providers=['CPUExecutionProvider'])
    return Session


class NoMemory(ort.InferenceSession):
    """Session that starts on CUDA, and fails as soon as it runs."""

    def __init__(self, path, options, providers):
        self.cuda = isinstance(providers[0], tuple)
        super().__init__(path, options, providers=['CPUExecutionProvider'])

    def get_providers(self):
        return ['CUDAExecutionProvider'] if self.cuda else super().get_providers()

    def io_binding(self):
        if self.cuda:
            raise RuntimeError('CUDNN_STATUS_NOT_INITIALIZED')
        return super().io_binding()


SESSIONS = {
    'falls back to the CPU': no_session(None),
    'raises': no_session(RuntimeError('CUDA failure 35: driver is insufficient')),
    'raises its own': no_session(ort_errors.EPFail('libcudnn.so.9: cannot open')),
    'runs not': NoMemory,
}


@pytest.fixture(params=SESSIONS)
def no_cuda(request, monkeypatch):
    """Install an ONNX Runtime that promises CUDA."""
    monkeypatch.setattr(ort, 'get_available_providers',
                        lambda: ['CUDAExecutionProvider', 'CPUExecutionProvider'])
    monkeypatch.setattr(onnxruntime_engine.ort, 'InferenceSession', SESSIONS[request.param])
    return request.param


def test_any_device_is_one_that_works(no_cuda, caplog):
    runner = load_model(threads=1)
    assert runner.device_name == 'cpu'
    assert 'cuda does not start' in runner.engine_reason
    warning, = caplog.records
    assert warning.levelno == logging.WARNING and 'cuda does not start' in warning.message
    assert runner.infer([np.zeros((64, 64, 3), np.uint8)])


def test_a_device_that_is_asked_for_is_not_replaced(no_cuda):
    if no_cuda == 'runs not':
        pytest.skip('shows at the first image only')
    with pytest.raises(ConfigError, match="device 'cuda': ONNX Runtime could not start its CUDA"):
        load_model(device='cuda', threads=1)


def test_a_damaged_model_is_told_on_any_device(no_cuda, tmp_path):
    folder = shutil.copytree(WEIGHTS / 'finetrack_nano', tmp_path / 'model')
    (folder / 'embedder.onnx').write_bytes(b'damaged')
    with pytest.raises(ModelError, match='embedder'):
        load_model(folder, threads=1)


@pytest.mark.parametrize('name', ['stra\udcdfe', '12:30', 'a%20b'])
def test_a_model_lies_in_a_folder_of_any_name(tmp_path, name):
    folder = shutil.copytree(WEIGHTS / 'finetrack_nano', tmp_path / name)
    assert load_model(folder, device='cpu', threads=1).model_name == 'finetrack_nano'
