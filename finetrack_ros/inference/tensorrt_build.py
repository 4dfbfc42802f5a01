# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Build plans with TensorRT 10 or later, or with TensorRT-RTX, given as a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
import logging
from pathlib import Path
import time
from typing import Any

from finetrack_ros.errors import ModelError

_logger = logging.getLogger(__name__)
# Between two lines about a build that goes on.
_SECONDS = 10.0

Shapes = Mapping[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]


@dataclass(frozen=True)
class Limits:
    """What a plan is built for; more images or targets are run in parts."""

    batch: int = 8
    targets: int = 64
    smallest: int = 32
    largest: int = 1280

    def text(self) -> str:
        """Return the values, for a cache's key."""
        return json.dumps(asdict(self))

    def shapes(self, name: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return least, usual and largest shape of an input whose free sizes are -1."""
        low, high = self.smallest, self.largest
        if name == 'images':
            return (1, low, low, 3), (1, 384, 640, 3), (self.batch, high, high, 3)
        if name == 'features':
            channels = shape[1]
            return ((1, channels, low // 8, low // 8), (1, channels, 48, 80),
                    (self.batch, channels, high // 8, high // 8))
        return (1, *shape[1:]), (min(10, self.targets), *shape[1:]), (self.targets, *shape[1:])


def make_logger(trt: Any) -> Any:
    """Return the library's logger that writes into Python's; it must outlive what it is given."""
    class Logger(trt.ILogger):  # type: ignore[misc]

        def log(self, severity: Any, text: str) -> None:
            level = logging.WARNING if severity <= trt.ILogger.ERROR else logging.DEBUG
            _logger.log(level, '%s', text)

    return Logger()


def build_plan(trt: Any, logger: Any, path: Path, limits: Limits,
               capability: tuple[int, int] | None = None) -> bytes:
    """
    Build the plan of one graph; types are those of the graph.

    :param capability: the GPU that TensorRT-RTX builds for, which need not be there; None takes
        the present one.
    :raises ModelError: where the graph cannot be parsed or built.
    """
    builder = trt.Builder(logger)
    # TensorRT 10 needs it said; later ones know nothing else.
    typed = getattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(path.read_bytes()):
        # Of many lines about one fault the first says what it is.
        reasons = ' '.join(str(parser.get_error(0).desc()).split())[:300]
        raise ModelError(f'{path}: TensorRT cannot read it ({reasons}); write it again with '
                         '`finetrack export --engine tensorrt`')
    profile = builder.create_optimization_profile()
    for number in range(network.num_inputs):
        one = network.get_input(number)
        profile.set_shape(one.name, *limits.shapes(one.name, tuple(one.shape)))
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    if capability is not None:
        config.num_compute_capabilities = 1
        config.set_compute_capability(
            getattr(trt.ComputeCapability, 'SM{}{}'.format(*capability)), 0)
    monitor = _progress(trt, path.name)
    if monitor is not None:
        config.progress_monitor = monitor
    _logger.info('building %s for TensorRT; this takes up to some minutes, once', path.name)
    start = time.monotonic()
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(f'{path}: TensorRT could not build it, for reasons that it has logged; '
                         'free memory of the GPU, or use engine onnxruntime')
    _logger.info('built %s in %.0f s', path.name, time.monotonic() - start)
    return bytes(memoryview(plan))


def _progress(trt: Any, name: str) -> Any:
    """Return what tells of a build's progress; None where the library cannot say."""
    if not hasattr(trt, 'IProgressMonitor'):
        return None

    class Progress(trt.IProgressMonitor):  # type: ignore[misc]

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}
            self._said = time.monotonic()

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self._steps[phase] = steps

        def phase_finish(self, phase: str) -> None:
            self._steps.pop(phase, None)

        def step_complete(self, phase: str, step: int) -> bool:
            if time.monotonic() - self._said > _SECONDS:
                self._said = time.monotonic()
                _logger.info('building %s: %s, step %d of %d', name, phase, step + 1,
                             self._steps.get(phase, step + 1))
            return True

    return Progress()
