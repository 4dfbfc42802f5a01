# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, on a CPU or an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference.engine import DetectorOutput, METADATA_KEY
from finetrack_ros.inference.registry import EngineOptions, EngineSpec

# ONNX Runtime's own errors have no common base.
ERRORS = (
    RuntimeError, OSError, ValueError, ort_errors.EPFail, ort_errors.EngineError, ort_errors.Fail,
    ort_errors.InvalidArgument, ort_errors.InvalidGraph, ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile, ort_errors.NotImplemented, ort_errors.RuntimeException)

_PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}


def available_devices() -> list[str]:
    """Return the devices that the installed ONNX Runtime can use, best first."""
    providers = ort.get_available_providers()
    return [device for device in ('cuda', 'cpu') if _PROVIDERS[device] in providers]


class OnnxRuntimeEngine:
    """
    Run the exported graphs with ONNX Runtime.

    :param folder: holds detector.onnx and embedder.onnx.
    :param device: ``cpu``, ``cuda`` or ``cuda:N``.
    :param threads: threads of one operator on the CPU; 0 takes one per core.
    :raises ConfigError: where the device is unknown or the installed library lacks it.
    :raises ModelError: where a graph does not load, and from each call that fails.
    """

    name = 'onnxruntime'

    def __init__(self, folder: Path, device: str = 'cpu', threads: int = 0) -> None:
        self.device = device
        kind, _, index = device.partition(':')
        if kind not in _PROVIDERS or (index and not index.isdigit()):
            raise ConfigError(f"device '{device}': unknown; use cpu, cuda or cuda:N")
        if kind not in available_devices():
            raise ConfigError(
                f"device '{device}': the installed ONNX Runtime has only "
                f'{", ".join(available_devices())}; install onnxruntime-gpu or use device cpu')
        self._kind, self._index = kind, int(index or 0)
        self._detector = self._session(folder / 'detector.onnx', threads)
        self._embedder = self._session(folder / 'embedder.onnx', threads)
        detector, embedder = (session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
                              for session in (self._detector, self._embedder))
        self.metadata: tuple[str | None, str | None] = (detector, embedder)

    def _session(self, path: Path, threads: int) -> ort.InferenceSession:
        options = ort.SessionOptions()
        # What the process may use, not what the machine has: containers pin cores.
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        # Spinning threads would take the cores that ROS needs between two frames.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        provider: Any = _PROVIDERS[self._kind]
        if self._kind == 'cuda':
            provider = (provider, {'device_id': self._index})
        try:
            session = ort.InferenceSession(_native(path), options, providers=[provider])
        except (ort_errors.EPFail, RuntimeError) as error:
            if self._kind == 'cpu':
                raise ModelError(f'{path}: cannot be loaded ({error}); write it again with '
                                 '`finetrack export`') from error
            raise self._no_cuda(f' ({error})') from error
        except ERRORS as error:
            raise ModelError(f'{path}: is damaged or no ONNX file ({error}); '
                             'write it again with `finetrack export`') from error
        if _PROVIDERS[self._kind] not in session.get_providers():
            raise self._no_cuda()
        return session

    def _no_cuda(self, reason: str = '') -> ConfigError:
        return ConfigError(f"device '{self.device}': ONNX Runtime could not start its CUDA "
                           f'provider{reason}; check the driver and cuDNN, or use device cpu')

    def detect(self, images: NDArray[np.uint8]) -> DetectorOutput:
        """Run the detector on letterboxed BGR images, uint8 [B, H, W, 3]."""
        with self._explained():
            binding = self._detector.io_binding()
            binding.bind_cpu_input('images', images)
            for name in ('boxes', 'scores', 'classes'):
                binding.bind_output(name, 'cpu')
            binding.bind_output('features', self._kind, self._index)
            self._detector.run_with_iobinding(binding)
        boxes, scores, classes, features = binding.get_outputs()
        return DetectorOutput(boxes.numpy(), scores.numpy(), classes.numpy(), features)

    def embed(self, features: Any, rois: NDArray[np.float32], crops: NDArray[np.uint8]
              ) -> NDArray[np.float32]:
        """Run the embedder; see ``Engine.embed``."""
        with self._explained():
            binding = self._embedder.io_binding()
            binding.bind_ortvalue_input('features', features)
            binding.bind_cpu_input('rois', rois)
            binding.bind_cpu_input('crops', crops)
            binding.bind_output('embeddings', 'cpu')
            self._embedder.run_with_iobinding(binding)
        return binding.get_outputs()[0].numpy()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ERRORS as error:
            raise ModelError(f'inference on {self.device} failed ({error}); if its memory is '
                             'full, lower input_size or max_detections') from error


def _native(path: Path) -> str | bytes:
    """Return a model's path; its content where the path is not UTF-8, which the library needs."""
    name = str(path)
    return name if name == name.encode(errors='replace').decode() else path.read_bytes()


def _create(folder: Path, device: str, options: EngineOptions) -> OnnxRuntimeEngine:
    if options.precision not in ('', 'fp32'):
        raise ConfigError(f"precision '{options.precision}': ONNX Runtime runs a model in the "
                          'precision that it was exported in; leave it out')
    return OnnxRuntimeEngine(folder, device, options.threads)


SPEC = EngineSpec('onnxruntime', f'ONNX Runtime {ort.__version__}', available_devices, _create)
