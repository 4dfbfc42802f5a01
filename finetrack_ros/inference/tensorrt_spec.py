# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the registry needs to know of TensorRT and TensorRT-RTX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference.cuda import CudaError, DriverCuda
from finetrack_ros.inference.engine import Engine
from finetrack_ros.inference.registry import EngineOptions, EngineSpec, EngineUnavailableError
from finetrack_ros.inference.tensorrt_runner import TensorRtEngine

# TensorRT 8.6 lacks some of what is called here.
_OLDEST = 10


def make_spec(trt: Any, library: str, unsupported: frozenset[tuple[int, int]] = frozenset(),
              oldest: int = _OLDEST) -> EngineSpec:
    """
    Return the engine of one library.

    :param trt: its module.
    :param library: its name in words.
    :param unsupported: compute capabilities that it does not run on.
    :param oldest: first major version that runs.
    """
    name = str(trt.__name__)

    def candidates() -> list[str]:
        if int(trt.__version__.partition('.')[0]) < oldest:
            raise EngineUnavailableError(f"engine '{name}': {library} {trt.__version__} is too "
                                         f'old; install {oldest}.0 or later')
        _open('cuda')
        return ['cuda']

    def _open(device: str) -> DriverCuda:
        kind, _, index = device.partition(':')
        if kind != 'cuda' or (index and not index.isdigit()):
            raise ConfigError(f"device '{device}': engine {name} runs on cuda or cuda:N only")
        try:
            cuda = DriverCuda(int(index or 0))
        except CudaError as error:
            raise EngineUnavailableError(f"engine '{name}': {error}; check the driver with "
                                         'nvidia-smi, or use device cpu') from error
        if cuda.capability in unsupported:
            raise EngineUnavailableError(
                f"engine '{name}': {library} does not run on {cuda.name} (compute capability "
                f'{".".join(map(str, cuda.capability))}); use TensorRT')
        return cuda

    def create(folder: Path, device: str, options: EngineOptions) -> Engine:
        if options.precision:
            raise ConfigError(f"precision '{options.precision}': {library} runs a model in the "
                              'precision that it was exported in; leave it out')
        return TensorRtEngine(trt, folder, _open(device), device)

    return EngineSpec(name, f'{library} {trt.__version__}', candidates, create)
