# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure how detection depends on the size of the network's input, on one CPU thread.

Prints AP50 of people and the milliseconds of CPU time of a frame (median, detection alone) for
each long side, and for the one that the model's rule gives (auto), as the Markdown tables of
docs/model.md, section 'Input size'. A model is a shipped one's name or a
folder with its graphs; YOLOX-nano's come from

    finetrack import-yolox DATA/weights/yolox_nano.onnx --output yolox
    finetrack export yolox/model.pt --output yolox --name yolox_nano

Run with the folder that holds ``mot/`` and ``det/``; frames are taken at even distances:

    python benchmarks/input_size.py --data DATA --models finetrack_nano yolox
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
import statistics
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import onnxruntime

from finetrack_ros.datasets.registry import read_clips
from finetrack_ros.evaluation.detection import average_precision, TruthBoxes
from finetrack_ros.inference import FineTrackRunner, load_model

# Format, path and options of each set; none is one that finished models are judged by.
SETS: dict[str, tuple[str, str, dict[str, Any]]] = {
    'robot_indoor': ('yolo', 'det/robot_indoor/train', {}),
    'TUD-Stadtmitte': ('mot', 'mot/TUD-Stadtmitte', {}),
    'ETH-Sunnyday': ('mot', 'mot/ETH-Sunnyday', {}),
    'MOT16-09': ('mot', 'mot/MOT16-09', {'frames': 'first-half'}),
    'COCO': ('yolo', 'det/coco_person', {})}

Frames = list[tuple[NDArray[np.uint8], TruthBoxes]]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--models', nargs='+', default=['finetrack_nano'])
    parser.add_argument('--sides', type=int, nargs='+', help='0 is auto',
                        default=[256, 288, 320, 352, 384, 416, 480, 544, 640, 0])
    parser.add_argument('--sets', nargs='+', choices=SETS, default=list(SETS))
    parser.add_argument('--frames', type=int, default=150, help='most frames of a set')
    return parser.parse_args()


def read_frames(data: Path, name: str, most: int) -> Frames:
    """Return at most so many frames of a set, each with its people."""
    form, path, options = SETS[name]
    frames = [frame for clip in read_clips(form, data / path, **options) for frame in clip.frames]
    chosen = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    return [(frames[i].read(), TruthBoxes(frames[i].boxes, frames[i].ignore)) for i in chosen]


def measure(runner: FineTrackRunner, frames: Frames) -> tuple[float, float]:
    """Return AP50 of people in 0..1 and the median CPU milliseconds of a frame."""
    person = runner.class_names.index('person')
    options = replace(runner.options, embeddings=False)
    found, seconds = [], []
    for image, _ in frames:
        start = time.thread_time()
        detections = runner.infer([image], options)[0]
        seconds.append(time.thread_time() - start)
        found.append(detections[detections.classes == person])
    ap = average_precision(found, [truth for _, truth in frames])
    return ap, 1000 * statistics.median(seconds)


def table(model: str, sides: Sequence[int], sets: dict[str, Frames]) -> Iterator[str]:
    """Yield the lines of one model's table: AP50 in percent, milliseconds after a stroke."""
    runners = {side: load_model(model, device='cpu', threads=1, score_threshold=0.01,
                                input_size=side) for side in sides}
    yield f'\n{runners[sides[0]].model_name}: AP50 / ms\n'
    widths = [f'{name}, {frames[0][0].shape[1]}x{frames[0][0].shape[0]}'
              for name, frames in sets.items()]
    yield f'| long side | {" | ".join(widths)} |'
    yield '|---' * (len(sets) + 1) + '|'
    for side, runner in runners.items():
        cells = [f'{100 * ap:.1f} / {ms:.0f}' for ap, ms in
                 (measure(runner, frames) for frames in sets.values())]
        yield f'| {side or "auto"} | {" | ".join(cells)} |'


def main() -> None:
    """Print the tables."""
    options = arguments()
    # OpenCV's threads would hide what they take.
    cv2.setNumThreads(1)
    sets = {name: read_frames(options.data, name, options.frames) for name in options.sets}
    for model in options.models:
        for line in table(model, options.sides, sets):
            print(line, flush=True)
    counts = ', '.join(f'{name} {len(frames)}' for name, frames in sets.items())
    print(f'\nFrames: {counts}. One thread, ONNX Runtime {onnxruntime.__version__}.')


if __name__ == '__main__':
    main()
