# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find a model by name or path, check its files, choose an engine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.geometry import InputRule
from finetrack_ros.inference.engine import Engine
from finetrack_ros.inference.registry import AUTO, choices, EngineOptions
from finetrack_ros.inference.runner import FineTrackRunner, ModelInfo

WEIGHTS = Path(__file__).resolve().parent.parent / 'weights'
GRAPHS = ('detector.onnx', 'embedder.onnx')
PRECISIONS = ('fp32', 'bf16')

_logger = logging.getLogger(__name__)


def shipped_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(p.name for p in WEIGHTS.iterdir() if (p / GRAPHS[0]).is_file())


def model_folder(model: str | Path) -> Path:
    """
    Resolve a model's name or path to its folder.

    :raises ModelError: where there is no such model, or one of its two graphs is missing.
    """
    named = WEIGHTS / str(model)
    folder = named if named.is_dir() else Path(model).expanduser()
    if folder.is_file():
        raise ModelError(f"model '{model}': is a file; pass the folder that holds "
                         f'{" and ".join(GRAPHS)}, written by `finetrack export`')
    if not folder.is_dir():
        raise ModelError(f"model '{model}': no such model or folder; shipped models are "
                         f'{", ".join(shipped_models())}')
    for name in GRAPHS:
        if not (folder / name).is_file():
            raise ModelError(f"model '{model}': {folder / name} is missing; "
                             'write it with `finetrack export`')
    return folder


def read_info(folder: Path, metadata: tuple[str | None, str | None]) -> ModelInfo:
    """
    Check what a model's two graphs say of themselves.

    :raises ModelError: where they are of another architecture or from different exports.
    """
    for name, text in zip(GRAPHS, metadata, strict=True):
        if text is None:
            raise ModelError(f'{folder / name}: is no FineTrack graph (a model of another '
                             'architecture?); pass a folder written by `finetrack export`')
    first, second = metadata
    if first != second:
        raise ModelError(f'{folder}: its two graphs come from different exports; '
                         'write both again with `finetrack export`')
    try:
        data = json.loads(str(first))
        rows, columns = data['crop_size']
        # Files of earlier exports say nothing of what follows.
        trained = data.get('embedding_classes', data['class_names'])
        rule = InputRule(int(data['input_size']), float(data.get('upscale', InputRule.upscale)))
        return ModelInfo(data['name'], tuple(data['class_names']), int(data['embedding_dim']),
                         (int(rows), int(columns)), tuple(trained), rule)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f'{folder}: what its graphs say of themselves is incomplete ({error}); '
                         'write both again with `finetrack export`') from error


def load_model(model: str | Path = 'finetrack_nano', engine: str = AUTO, device: str = AUTO,
               threads: int = 0, precision: str = '', **settings: Any) -> FineTrackRunner:
    """
    Load a model.

    :param model: name of a shipped model, or a folder written by ``finetrack export``.
    :param engine: one of ``engine_names()``; ``auto`` takes the fastest that starts.
    :param device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    :param threads: CPU threads; 0 takes one per core.
    :param precision: ``fp32`` or ``bf16``; empty takes what the model was exported for.
    :param settings: ``input_size``, ``classes``, ``score_threshold``, ``nms_threshold``,
        ``max_detections`` of ``FineTrackRunner``.
    :raises ModelError: where the model is missing, damaged, or of another architecture.
    :raises ConfigError: where a setting is unknown or out of range, or no engine starts.
    """
    if precision not in ('', *PRECISIONS):
        raise ConfigError(f"precision '{precision}': unknown; use {' or '.join(PRECISIONS)}, or "
                          'leave it out')
    folder = model_folder(model)
    options = EngineOptions(threads, precision)
    tried = choices(engine, device)
    failed: list[str] = []
    for rest, (spec, chosen) in enumerate(tried, 1 - len(tried)):
        try:
            started = spec.create(folder, chosen, options)
        except (ConfigError, ModelError) as error:
            if not rest:
                raise
            failed.append(_passed_over(spec.name, chosen, error))
            continue
        runner = FineTrackRunner(started, read_info(folder, started.metadata),
                                 _reason(engine, device, started, failed), **settings)
        if not rest:
            return runner
        try:
            # Some of a GPU's libraries are first looked for when the graphs run.
            runner.warm_up()
            return runner
        except (ConfigError, ModelError) as error:
            failed.append(_passed_over(spec.name, chosen, error))
    raise ConfigError(f"engine '{engine}': it has no device here; see `finetrack engines`")


def _passed_over(engine: str, device: str, error: Exception) -> str:
    what = f'{engine} on {device} does not start'
    _logger.warning('%s, and the next choice is tried: %s', what, error)
    return what


def _reason(engine: str, device: str, started: Engine, failed: list[str]) -> str:
    """Say why an engine was taken."""
    if AUTO not in (engine, device):
        return f'engine {engine} and device {device} as asked'
    asked = [f'{what} {value} as asked' for what, value in (('engine', engine), ('device', device))
             if value != AUTO]
    return ', '.join([*asked, *failed,
                      f'{started.name} on {started.device} is the fastest that starts'])
