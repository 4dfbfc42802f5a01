# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
OpenVINO on CPUs, x86 and arm64.

It is fast where shapes are fixed, so that a detector is compiled for each input size that a
camera gives, and an embedder for each of some numbers of targets, which others are padded to.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
import io
import json
import os
from pathlib import Path
import platform
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference.cache import file_digest, PlanCache
from finetrack_ros.inference.engine import DetectorOutput
from finetrack_ros.inference.onnx_file import read_metadata
from finetrack_ros.inference.openvino_library import ov
from finetrack_ros.inference.registry import EngineOptions, EngineSpec, EngineUnavailableError

BUCKETS = (1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)
"""Numbers of targets that an embedder is compiled for; more are run in parts."""
MOST_SHAPES = 8
"""Input sizes whose detectors are kept."""
# A size that comes up so often, when all places are taken, gets one.
_OFTEN = 16
_HINTS = {'fp32': 'f32', 'bf16': 'bf16'}
_MACHINES = ('x86_64', 'amd64', 'aarch64', 'arm64')
# Its own exceptions have no common base but this.
_ERRORS = (RuntimeError, ValueError, TypeError)


def available_devices() -> list[str]:
    """Return ``cpu``; raise EngineUnavailableError where OpenVINO cannot run on this one."""
    if platform.machine().lower() not in _MACHINES:
        raise EngineUnavailableError(f"engine 'openvino': this machine is {platform.machine()}; "
                                     'it runs on x86-64 and arm64')
    return ['cpu']


def bucket(count: int) -> int:
    """Return the smallest bucket that holds so many targets, 1 to ``BUCKETS[-1]``."""
    return next(size for size in BUCKETS if size >= count)


class OpenVinoEngine:
    """
    Run the exported graphs with OpenVINO.

    :param folder: holds detector.onnx and embedder.onnx.
    :param device: ``cpu``.
    :param threads: 0 takes one per core.
    :param precision: ``fp32`` or ``bf16``; empty takes what the model was exported for.
    :param cache: where compiled models are kept.
    :raises ConfigError: where device or precision are not to be had.
    :raises ModelError: where a graph does not load, and from each call that fails.
    """

    name = 'openvino'

    def __init__(self, folder: Path, device: str = 'cpu', threads: int = 0, precision: str = '',
                 cache: PlanCache | None = None) -> None:
        if device != 'cpu':
            raise ConfigError(f"device '{device}': engine openvino runs on cpu only")
        self.device = device
        self._paths = {name: folder / f'{name}.onnx' for name in ('detector', 'embedder')}
        self.metadata: tuple[str | None, str | None] = (
            read_metadata(self._paths['detector']), read_metadata(self._paths['embedder']))
        self._core = ov.Core()
        # Pinned threads wait for cores that other processes use.
        self._settings = {
            'ENABLE_CPU_PINNING': False, 'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_PRECISION_HINT': self._hint(precision or _exported(self.metadata[0])),
            'INFERENCE_NUM_THREADS': threads or len(os.sched_getaffinity(0))}
        self._cache = cache or PlanCache()
        self._digests = {name: file_digest(path) for name, path in self._paths.items()}
        self._models = {name: self._read(path) for name, path in self._paths.items()}
        self._detectors: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._any_size: Any = None
        self._sightings: Counter[tuple[int, ...]] = Counter()
        self._embedders: dict[int, Any] = {}

    def _hint(self, precision: str) -> str:
        if precision not in _HINTS:
            raise ConfigError(f"precision '{precision}': engine openvino has "
                              f'{" and ".join(_HINTS)}')
        able = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if precision == 'bf16' and 'BF16' not in able:
            raise ConfigError("precision 'bf16': this CPU cannot compute in it; use fp32")
        return _HINTS[precision]

    def _read(self, path: Path) -> Any:
        try:
            # Content, not a path: not every name is UTF-8.
            return self._core.read_model(io.BytesIO(path.read_bytes()))
        except _ERRORS as error:
            raise ModelError(f'{path}: cannot be loaded ({error}); write it again with '
                             '`finetrack export`') from error

    def _request(self, graph: str, shapes: dict[str, list[int]]) -> Any:
        """Compile a graph for shapes, -1 where any may come, or take it from the cache."""
        key = {'engine': self.name, 'graph': graph, 'library': ov.__version__,
               'device': str(self._core.get_property('CPU', 'FULL_DEVICE_NAME')),
               'capabilities': ','.join(
                   self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')),
               'onnx': self._digests[graph], 'shapes': json.dumps(shapes),
               'settings': json.dumps(self._settings)}
        with self._explained(), self._cache.lock(key):
            compiled = self._cached(key)
            if compiled is None:
                model = self._models[graph].clone()
                model.reshape(shapes)
                compiled = self._core.compile_model(model, 'CPU', self._settings)
                self._cache.store(key, compiled.export_model().getvalue())
            return compiled.create_infer_request()

    def _cached(self, key: dict[str, str]) -> Any:
        data = self._cache.load(key)
        if data is None:
            return None
        try:
            return self._core.import_model(io.BytesIO(data), 'CPU', self._settings)
        except _ERRORS:
            return None

    def _detector(self, shape: tuple[int, ...]) -> Any:
        if shape in self._detectors:
            self._detectors.move_to_end(shape)
            return self._detectors[shape]
        self._sightings[shape] += 1
        if len(self._detectors) == MOST_SHAPES and self._sightings[shape] < _OFTEN:
            # Pictures of ever new sizes: compiling takes longer than it would save.
            if self._any_size is None:
                self._any_size = self._request('detector', {'images': [-1, -1, -1, 3]})
            return self._any_size
        if len(self._detectors) == MOST_SHAPES:
            self._detectors.popitem(last=False)
            self._sightings.clear()
        self._detectors[shape] = self._request('detector', {'images': list(shape)})
        return self._detectors[shape]

    def detect(self, images: NDArray[np.uint8]) -> DetectorOutput:
        """Run the detector on letterboxed BGR images, uint8 [B, H, W, 3]."""
        request = self._detector(images.shape)
        batch, height, width, _ = images.shape
        with self._explained():
            output = request.model_outputs[3]
            channels = output.get_partial_shape()[1].get_length()
            # A map of its own for each call: the next call does not write over it.
            features = ov.Tensor(output.get_element_type(),
                                 ov.Shape([batch, channels, height // 8, width // 8]))
            request.set_output_tensor(3, features)
            given = ov.Tensor(np.ascontiguousarray(images), shared_memory=True)
            request.set_input_tensor(0, given)
            request.infer()
            boxes, scores, classes = (request.get_output_tensor(i).data.copy() for i in range(3))
        return DetectorOutput(boxes, scores, classes, features)

    def embed(self, features: Any, rois: NDArray[np.float32], crops: NDArray[np.uint8]
              ) -> NDArray[np.float32]:
        """Run the embedder; see ``Engine.embed``."""
        parts = [self._embed(features, rois[start:start + BUCKETS[-1]],
                             crops[start:start + BUCKETS[-1]])
                 for start in range(0, max(len(rois), 1), BUCKETS[-1])]
        return np.concatenate(parts)

    def _embed(self, features: Any, rois: NDArray[np.float32], crops: NDArray[np.uint8]
               ) -> NDArray[np.float32]:
        count = len(rois)
        size = bucket(max(count, 1))
        if size not in self._embedders:
            channels = features.shape[1]
            self._embedders[size] = self._request('embedder', {
                'features': [-1, channels, -1, -1], 'rois': [size, 5],
                'crops': [size, *crops.shape[1:]]})
        request = self._embedders[size]
        padding = ((0, size - count), (0, 0))
        with self._explained():
            request.set_input_tensor(0, features)
            request.set_input_tensor(1, ov.Tensor(np.pad(rois, padding)))
            request.set_input_tensor(2, ov.Tensor(np.pad(crops, (*padding, (0, 0), (0, 0)))))
            request.infer()
            embeddings: NDArray[np.float32] = request.get_output_tensor(0).data[:count].copy()
        return embeddings

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except _ERRORS as error:
            raise ModelError(f'inference with OpenVINO failed ({error}); if memory is full, lower '
                             'input_size or max_detections') from error


def _exported(metadata: str | None) -> str:
    """Return the precision that a model was exported for; foreign files are refused later."""
    try:
        precision = str(json.loads(metadata or '{}').get('precision', 'fp32'))
        # Half-precision weights are computed with in float32, which CPUs are faster in.
        return 'fp32' if precision == 'fp16' else precision
    except (ValueError, AttributeError):
        return 'fp32'


def _create(folder: Path, device: str, options: EngineOptions) -> OpenVinoEngine:
    return OpenVinoEngine(folder, device, options.threads, options.precision)


_VERSION = ov.__version__.partition('-')[0]
SPEC = EngineSpec('openvino', f'OpenVINO {_VERSION}', available_devices, _create)
