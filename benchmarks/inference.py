# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time detection and embedding against a detector with a separate re-identification network.

FineTrack against YOLOX-nano plus OSNet x0.25 on every person, the pair that most trackers run:
same frames, same input size, same people, one run, turn by turn, so that a noisy machine slows
both. Prints medians and ratios. Run with the data folder that holds ``mot/MOT16-09``,
``weights/yolox_nano.onnx`` (fixed at 416) and ``weights/osnet_x0_25_msmt17.onnx``:

    python benchmarks/inference.py --data DATA --threads 2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
import statistics
import time

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

from finetrack_ros.evaluation.peers import OSNET, OsnetEmbedder
from finetrack_ros.inference import load_model
from finetrack_ros.inference.preprocessing import crop_targets, letterbox
from finetrack_ros.io import open_source

SIZE = (416, 416)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--model', default='finetrack_nano')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--people', type=int, nargs='+', default=[1, 5, 10, 20])
    parser.add_argument('--repeats', type=int, default=15)
    return parser.parse_args()


def make_boxes(count: int, height: int, width: int) -> np.ndarray:
    """Return boxes of people spread over an image, float32 [count, 4]."""
    rng = np.random.default_rng(count)
    low = rng.uniform(0, [width * 0.9, height * 0.6], (count, 2))
    return np.hstack([low, low + [width / 16, height / 4]]).astype(np.float32)


def interleave(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each task, all run in turn."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 2):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if turn >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Run and print the table."""
    options = arguments()
    with open_source(str(options.data / 'mot' / 'MOT16-09')) as source:
        image = next(iter(source)).image
    runner = load_model(options.model, device='cpu', threads=options.threads, input_size=SIZE)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    yolox = onnxruntime.InferenceSession(
        (options.data / 'weights' / 'yolox_nano.onnx').read_bytes(), settings,
        providers=['CPUExecutionProvider'])
    osnet = OsnetEmbedder(options.data / OSNET, options.threads)

    def separate(boxes: np.ndarray) -> None:
        batch, _ = letterbox([image], SIZE)
        yolox.run(None, {'images': batch.transpose(0, 3, 1, 2).astype(np.float32)})
        osnet(list(crop_targets(image, boxes, (256, 128))))

    table = Table('people', title=f'One frame, {options.threads} thread(s), {SIZE[1]}x{SIZE[0]}')
    for column in (f'{runner.model_name} ms', 'YOLOX-nano + OSNet x0.25 ms', 'ratio'):
        table.add_column(column, justify='right')
    for count in options.people:
        boxes = make_boxes(count, *image.shape[:2])
        ms = interleave({'ours': lambda b=boxes: runner.embed([image], [b]),
                         'separate': lambda b=boxes: separate(b)}, options.repeats)
        table.add_row(str(count), f'{ms["ours"]:.1f}', f'{ms["separate"]:.1f}',
                      f'{ms["separate"] / ms["ours"]:.1f}')
    Console().print(table)


if __name__ == '__main__':
    main()
