# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run both graphs with TensorRT or TensorRT-RTX, whose run-time interfaces are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference.cache import file_digest, PlanCache
from finetrack_ros.inference.cuda import Cuda, CudaError, DeviceArray, MemoryPool
from finetrack_ros.inference.engine import DetectorOutput
from finetrack_ros.inference.onnx_file import read_metadata
from finetrack_ros.inference.tensorrt_build import build_plan, Limits, make_logger

_OUTPUTS = ('boxes', 'scores', 'classes')


class Plan:
    """A plan that is loaded, with what it needs to run; ``loaded`` is the library's engine."""

    def __init__(self, trt: Any, loaded: Any, pool: MemoryPool) -> None:
        self._pool, self._engine = pool, loaded
        self._context = loaded.create_execution_context()
        if self._context is None:
            raise CudaError('no execution context; the memory of the GPU is full')
        names = [loaded.get_tensor_name(i) for i in range(loaded.num_io_tensors)]
        self.types = {name: np.dtype(trt.nptype(loaded.get_tensor_dtype(name))) for name in names}
        self._outputs = [name for name in names
                         if loaded.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT]

    def run(self, inputs: dict[str, NDArray[Any] | DeviceArray]) -> dict[str, DeviceArray]:
        """Queue one run."""
        # The stream's order keeps memory that is given back from being written too early.
        held = {name: self._on_device(name, value) for name, value in inputs.items()}
        for name, value in held.items():
            if not self._context.set_input_shape(name, value.shape):
                raise CudaError(f'{name} of shape {list(value.shape)} is outside of what the '
                                'plan was built for')
            self._context.set_tensor_address(name, value.address)
        missing = self._context.infer_shapes()
        if missing:
            raise CudaError(f'the plan lacks inputs: {", ".join(missing)}')
        outputs = {}
        for name in self._outputs:
            shape = tuple(self._context.get_tensor_shape(name))
            outputs[name] = self._pool.take(shape, self.types[name])
            self._context.set_tensor_address(name, outputs[name].address)
        if not self._context.execute_async_v3(self._pool.cuda.stream):
            raise CudaError('the plan did not run')
        return outputs

    def width(self, name: str) -> int:
        """Return the last size of a tensor, which is fixed."""
        return int(self._engine.get_tensor_shape(name)[-1])

    def _on_device(self, name: str, value: NDArray[Any] | DeviceArray) -> DeviceArray:
        if isinstance(value, DeviceArray):
            return value
        dense = np.ascontiguousarray(value, self.types[name])
        array = self._pool.take(dense.shape, dense.dtype)
        self._pool.cuda.upload(array.address, dense)
        self._pool.held.append(dense)
        return array


class TensorRtEngine:
    """
    Run the exported graphs with TensorRT.

    :param trt: the library's module, ``tensorrt`` or ``tensorrt_rtx``.
    :param folder: holds detector.onnx and embedder.onnx.
    :param cuda: the GPU.
    :param device: its name, such as ``cuda:0``.
    :param cache: where plans are kept.
    :param limits: what plans are built for.
    :raises ModelError: where a graph does not load, and from each call that fails.
    """

    def __init__(self, trt: Any, folder: Path, cuda: Cuda, device: str = 'cuda',
                 cache: PlanCache | None = None, limits: Limits | None = None) -> None:
        self.name = str(trt.__name__)
        self.device = device
        self._trt, self._cuda = trt, cuda
        self._limits, self._cache = limits or Limits(), cache or PlanCache()
        self._logger = make_logger(trt)
        self._runtime = trt.Runtime(self._logger)
        self._pool = MemoryPool(cuda)
        paths = [folder / 'detector.onnx', folder / 'embedder.onnx']
        detector, embedder = (read_metadata(path) for path in paths)
        self.metadata: tuple[str | None, str | None] = (detector, embedder)
        for path, text in zip(paths, self.metadata, strict=True):
            if text is None:
                raise ModelError(f'{path}: is no FineTrack graph (a model of another '
                                 'architecture?); pass a folder written by `finetrack export`')
        with self._explained():
            self._detector, self._embedder = (self._plan(path) for path in paths)

    def _plan(self, path: Path) -> Plan:
        major, minor = self._cuda.capability
        key = {'engine': self.name, 'graph': path.stem, 'library': str(self._trt.__version__),
               'device': self._cuda.name, 'capability': f'{major}.{minor}',
               'onnx': file_digest(path), 'limits': self._limits.text()}
        with self._cache.lock(key):
            data = self._cache.load(key)
            loaded = None if data is None else self._runtime.deserialize_cuda_engine(data)
            if loaded is None:
                data = build_plan(self._trt, self._logger, path, self._limits)
                loaded = self._runtime.deserialize_cuda_engine(data)
                if loaded is None:
                    raise ModelError(f'{path}: a plan that was just built does not load on '
                                     f'{self._cuda.name}; update the driver, or use engine '
                                     'onnxruntime')
                self._cache.store(key, data)
        return Plan(self._trt, loaded, self._pool)

    def detect(self, images: NDArray[np.uint8]) -> DetectorOutput:
        """Run the detector on letterboxed BGR images, uint8 [B, H, W, 3]."""
        limits, sides = self._limits, images.shape[1:3]
        if not limits.smallest <= min(sides) <= max(sides) <= limits.largest:
            raise ConfigError(f'input of {sides[0]}x{sides[1]} pixels: engine {self.name} takes '
                              f'sides from {limits.smallest} to {limits.largest}; set input_size')
        found, maps = [], []
        with self._explained():
            for start in range(0, len(images), limits.batch):
                outputs = self._detector.run({'images': images[start:start + limits.batch]})
                found.append([self._fetch(outputs[name]) for name in _OUTPUTS])
                maps.append(outputs['features'])
            self._pool.synchronize()
        boxes, scores, classes = (np.concatenate(parts)
                                  for parts in zip(*found, strict=True))
        return DetectorOutput(boxes, scores, classes.astype(np.int32, copy=False), maps)

    def embed(self, features: Any, rois: NDArray[np.float32], crops: NDArray[np.uint8]
              ) -> NDArray[np.float32]:
        """Run the embedder; see ``Engine.embed``."""
        parts = rois[:, 0].astype(int) // self._limits.batch
        order, vectors = [], []
        with self._explained():
            for number, maps in enumerate(features):
                rows = np.flatnonzero(parts == number)
                for start in range(0, len(rows), self._limits.targets):
                    chosen = rows[start:start + self._limits.targets]
                    inside = rois[chosen]
                    inside[:, 0] -= number * self._limits.batch
                    outputs = self._embedder.run(
                        {'features': maps, 'rois': inside, 'crops': crops[chosen]})
                    vectors.append(self._fetch(outputs['embeddings']))
                    order.append(chosen)
            self._pool.synchronize()
        if not vectors:
            return np.empty((0, self._width()), np.float32)
        embeddings = np.empty((len(rois), vectors[0].shape[1]), np.float32)
        embeddings[np.concatenate(order)] = np.concatenate(vectors)
        return embeddings

    def _width(self) -> int:
        return self._embedder.width('embeddings')

    def _fetch(self, array: DeviceArray) -> NDArray[Any]:
        """Queue the copy of an array; it is filled once the stream is synchronised."""
        host = np.empty(array.shape, array.dtype)
        self._cuda.download(host, array.address)
        return host

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            # The thread that loads a model is not always the one that runs it.
            self._cuda.activate()
            yield
        except CudaError as error:
            raise ModelError(f'inference with {self.name} on {self.device} failed ({error}); if '
                             'its memory is full, lower input_size or max_detections') from error
