# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Which engines there are, and on which devices each of them can run here.

The package's own engines stand in a table; others join through the entry-point group
``finetrack.engines``, whose entries name an :class:`EngineSpec`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import functools
from importlib import import_module, metadata
import logging
from pathlib import Path

from finetrack_ros.errors import ConfigError
from finetrack_ros.inference.engine import Engine

ENTRY_POINTS = 'finetrack.engines'
AUTO = 'auto'
CPU = 'cpu'
# Fastest first. An entry point cannot name these: a package that ament installs has none.
_REMEDIES = {
    'tensorrt': 'on a Jetson it comes with JetPack, elsewhere from NVIDIA',
    'tensorrt_rtx': 'pip install tensorrt-rtx-cu13, or tensorrt-rtx-cu12 for drivers of CUDA 12',
    'openvino': 'pip install openvino',
    'onnxruntime': 'pip install onnxruntime',
}
_OWN = {name: f'finetrack_ros.inference.{name}_engine' for name in _REMEDIES}

_logger = logging.getLogger(__name__)


class EngineUnavailableError(ConfigError):
    """An engine cannot run on this machine; the message says why and what to do."""


@dataclass(frozen=True)
class EngineOptions:
    """
    What a user may ask of any engine.

    :ivar threads: CPU threads; 0 takes one per core.
    :ivar precision: ``fp32`` or ``bf16``; empty takes what the model's files ask for.
    """

    threads: int = 0
    precision: str = ''


@dataclass(frozen=True)
class EngineSpec:
    """
    An engine that can be chosen by name.

    :ivar name: what the user writes.
    :ivar library: what runs the graphs, in words.
    :ivar candidates: gives the devices that the engine can run on here, fastest first, without
        loading a model; raises EngineUnavailableError where there is none.
    :ivar create: starts the engine with a model's folder, a device and options; raises
        ConfigError where the device does not start, ModelError where the model does not load.
    """

    name: str
    library: str
    candidates: Callable[[], list[str]]
    create: Callable[[Path, str, EngineOptions], Engine]


def engine_names() -> list[str]:
    """Return what can be chosen, ``auto`` first."""
    return [AUTO, *_OWN, *_foreign()]


@functools.cache
def _foreign() -> dict[str, metadata.EntryPoint]:
    found = {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINTS)}
    return {name: entry for name, entry in found.items() if name not in {AUTO, *_OWN}}


def find_engine(name: str) -> EngineSpec:
    """
    Return an engine by name.

    :raises ConfigError: where there is no such engine, or the package that brings it is broken.
    """
    if name in _OWN:
        try:
            spec: EngineSpec = import_module(_OWN[name]).SPEC
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineUnavailableError(f"engine '{name}': its library cannot be imported "
                                         f'({error}); {_REMEDIES[name]}') from error
        return spec
    if name not in _foreign():
        raise ConfigError(f"engine '{name}': unknown; use one of {', '.join(engine_names())}")
    entry = _foreign()[name]
    try:
        spec = entry.load()
    except (ImportError, AttributeError) as error:
        raise EngineUnavailableError(
            f"engine '{name}': {entry.value} cannot be imported ({error}); "
            'update or remove the package that brings it') from error
    if not isinstance(spec, EngineSpec):
        raise EngineUnavailableError(f"engine '{name}': {entry.value} is no EngineSpec; "
                                'update or remove the package that brings it')
    return spec


def device_kind(device: str) -> str:
    """Return what a device is, such as ``cuda`` of ``cuda:1``."""
    return device.partition(':')[0]


def choices(engine: str = AUTO, device: str = AUTO) -> list[tuple[EngineSpec, str]]:
    """
    Return the pairs of engine and device to try, best first.

    :param engine: a name; ``auto`` takes every engine that can run here.
    :param device: a device, kept as it is; ``auto`` takes all, the CPU last.
    :raises ConfigError: where the name is unknown, the engine cannot run here, or none that can
        runs on the device.
    """
    if engine != AUTO:
        spec = find_engine(engine)
        devices = spec.candidates()
        return [(spec, one) for one in ([device] if device != AUTO else devices)]
    found = [(spec, one) for spec, devices in usable_engines() for one in devices]
    if device == AUTO:
        return sorted(found, key=lambda choice: device_kind(choice[1]) == CPU)
    kinds = sorted({device_kind(one) for _, one in found})
    if device_kind(device) not in kinds:
        raise ConfigError(f"device '{device}': no engine that is installed runs on it; use "
                          f'{" or ".join(kinds)}, or see `finetrack engines`')
    wanted = {spec.name: spec for spec, one in found if device_kind(one) == device_kind(device)}
    return [(spec, device) for spec in wanted.values()]


def usable_engines() -> Iterator[tuple[EngineSpec, list[str]]]:
    """Yield each engine that can run here, with its devices."""
    for name in engine_names()[1:]:
        try:
            spec = find_engine(name)
            yield spec, spec.candidates()
        except EngineUnavailableError as error:
            _logger.debug('%s', error)
