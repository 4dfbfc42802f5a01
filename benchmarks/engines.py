# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compare the inference engines that this machine has: same numbers, how long, how many.

Each engine that starts runs the same noise images and boxes. Differences are against ONNX Runtime
on the CPU; times are of the detector, and of the embedder with ten targets per image, at batches
of one to eight. Usage: python benchmarks/engines.py [--seconds 2] [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import json
from pathlib import Path
import platform
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.inference.engine import Engine
from finetrack_ros.inference.loading import model_folder
from finetrack_ros.inference.onnxruntime_engine import OnnxRuntimeEngine
from finetrack_ros.inference.registry import choices, EngineOptions

BATCHES = (1, 2, 4, 8)
TARGETS = 10
SIZE = (384, 640)


def inputs(batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images uint8 [B, 384, 640, 3], regions [10 B, 5] and their crops."""
    rng = np.random.default_rng(batch)
    count = TARGETS * batch
    images = rng.integers(0, 256, (batch, *SIZE, 3), np.uint8)
    left_top = rng.uniform(0, (500, 200), (count, 2))
    boxes = np.hstack([left_top, left_top + rng.uniform((20, 60), (80, 180), (count, 2))])
    rois = np.column_stack([np.repeat(np.arange(batch), TARGETS), boxes]).astype(np.float32)
    return images, rois, rng.integers(0, 256, (count, 96, 32, 3), np.uint8)


def measure(call: Callable[[], Any], seconds: float) -> np.ndarray:
    """Return milliseconds of each call, made for so many seconds after two that do not count."""
    call()
    call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return np.array(times)


def parity(engine: Engine, reference: Engine) -> dict[str, float]:
    """Return the largest differences from the reference on one image."""
    images, rois, crops = inputs(1)
    found, expected = engine.detect(images), reference.detect(images)
    vectors = [one.embed(output.features, rois, crops)
               for one, output in ((engine, found), (reference, expected))]
    return {'boxes px': float(np.quantile(np.abs(found.boxes - expected.boxes), 0.99)),
            'scores': float(np.abs(found.scores - expected.scores).max()),
            'least cosine': float(np.sum(vectors[0] * vectors[1], axis=1).min())}


def run(engine: Engine, seconds: float) -> list[dict[str, float]]:
    """Return times at each batch."""
    rows = []
    for batch in BATCHES:
        images, rois, crops = inputs(batch)
        detect = measure(lambda images=images: engine.detect(images), seconds)
        features = engine.detect(images).features
        embed = measure(lambda f=features, r=rois, c=crops: engine.embed(f, r, c), seconds)
        both = np.median(detect) + np.median(embed)
        rows.append({'batch': batch, 'detect ms': np.median(detect),
                     'detect p95': np.quantile(detect, 0.95), 'embed ms': np.median(embed),
                     'embed p95': np.quantile(embed, 0.95), 'images/s': 1e3 * batch / both})
    return rows


def main() -> None:
    """Print a table; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--model', nargs='+', default=['finetrack_nano'])
    parser.add_argument('--seconds', type=float, default=2.0, help='for each time that is taken')
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    console, results = Console(), []
    for model in options.model:
        folder = model_folder(model)
        reference = OnnxRuntimeEngine(folder, 'cpu')
        for spec, device in choices():
            entry: dict[str, Any] = {'model': str(model), 'engine': spec.library, 'device': device}
            results.append(entry)
            try:
                start = time.perf_counter()
                engine = spec.create(folder, device, EngineOptions())
                engine.detect(inputs(1)[0])
                entry['start s'] = time.perf_counter() - start
                entry['differences'] = parity(engine, reference)
                entry['times'] = run(engine, options.seconds)
            except (ConfigError, ModelError) as error:
                entry['error'] = str(error)
            show(console, entry)
    if options.json:
        machine = {'machine': platform.machine(), 'python': platform.python_version()}
        options.json.write_text(json.dumps({**machine, 'results': results}, indent=2) + '\n')


def show(console: Console, entry: dict[str, Any]) -> None:
    """Print what one engine gave."""
    title = f"{entry['model']}: {entry['engine']} on {entry['device']}"
    if 'error' in entry:
        console.print(f"{title}: {entry['error']}", markup=False)
        return
    console.print(f"{title}, first result after {entry['start s']:.1f} s", markup=False)
    table = Table(*entry['times'][0])
    for row in entry['times']:
        table.add_row(*(f'{value:.4g}' for value in row.values()))
    console.print(table)
    console.print('differences: ' + ', '.join(
        f'{name} {value:.6g}' for name, value in entry['differences'].items()))


if __name__ == '__main__':
    main()
