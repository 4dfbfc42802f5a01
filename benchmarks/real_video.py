# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""
Track real video with this package and with BoxMOT on the same detections, and score all.

The detections are ours. This tracker gets our embeddings, and once none; BoT-SORT gets those of
OSNet on the same boxes, and the frames for its own camera motion; ByteTrack gets boxes alone.
Peers run with the settings that they ship, where ``boxmot`` is installed.

    python benchmarks/real_video.py DATA/mot/TUD-Campus DATA/mot/MOT16-09:second-half \
        --osnet DATA/weights/osnet_x0_25_msmt17.onnx --output results
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers import boxmot_on_video
from rich.console import Console
from rich.progress import track as progress
from rich.table import Table

from finetrack_ros.cli.tracker_config import read_tracker_config
from finetrack_ros.detections import Detections
from finetrack_ros.evaluation.mot import COMBINED, evaluate
from finetrack_ros.evaluation.peers import OsnetEmbedder
from finetrack_ros.inference import FineTrackRunner, load_model
from finetrack_ros.inference.preprocessing import crop_targets
from finetrack_ros.io import MotWriter, open_source
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.tracking import TrackerConfig, Tracks, TrackState

CROP = (256, 128)


def as_tracks(rows: NDArray[np.float32]) -> Tracks:
    """Make tracks of a peer's rows of xyxy and id; what it does not tell is zero."""
    count = len(rows)
    zeros, whole = np.zeros(count, np.float32), np.zeros(count, np.int32)
    return Tracks(
        ids=rows[:, 4].astype(np.int64), boxes=rows[:, :4].astype(np.float32),
        velocities=np.zeros((count, 4), np.float32), scores=zeros + 1, classes=whole, ages=zeros,
        hits=whole, time_since_seen=zeros, detection_indices=whole,
        states=np.full(count, TrackState.CONFIRMED, np.uint8))


def run_sequence(sequence: Path, output: Path, runner: FineTrackRunner, osnet: OsnetEmbedder,
                 config: TrackerConfig) -> list[str]:
    """Track one sequence with all trackers into OUTPUT/TRACKER/SEQUENCE.txt; return the names."""
    ours = {'finetrack_ros': Pipeline(runner, config), 'no embeddings': Pipeline(None, config)}
    peers = boxmot_on_video()
    names = [*ours, *peers]
    with ExitStack() as stack:
        source = stack.enter_context(open_source(str(sequence)))
        writers = {name: stack.enter_context(MotWriter(output / name / f'{sequence.name}.txt'))
                   for name in names}
        for frame in progress(source, sequence.name, total=source.length):
            found = runner.infer([frame.image])[0]
            bare = replace(found, embeddings=None)
            for name, seen in zip(ours, (found, bare), strict=True):
                tracks = ours[name].step(frame.image, frame.stamp, seen)
                writers[name].write(frame.index, tracks)
            described = with_osnet(found, frame.image, osnet) if peers else found
            for name, update in peers.items():
                writers[name].write(frame.index, as_tracks(update(described, frame.image)))
    return names


def with_osnet(found: Detections, image: NDArray[np.uint8], osnet: Callable) -> Detections:
    """Return detections with OSNet's embeddings of their boxes, unit rows."""
    if not len(found):
        return replace(found, embeddings=np.zeros((0, 512), np.float32))
    vectors = osnet(list(crop_targets(image, found.boxes, CROP)))
    return replace(found, embeddings=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def main() -> None:
    """Track and score each sequence given."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('sequences', nargs='+', metavar='SEQUENCE[:FRAMES]',
                        help='MOTChallenge folder; FRAMES as in finetrack eval --frames')
    parser.add_argument('--osnet', type=Path, required=True, help='OSNet x0.25 as ONNX')
    parser.add_argument('--output', type=Path, required=True, help='folder for the tracks')
    parser.add_argument('--model', default='finetrack_nano')
    parser.add_argument('--tracker-config', type=Path, help='preset or YAML file')
    arguments = parser.parse_args()
    runner, osnet = load_model(arguments.model), OsnetEmbedder(arguments.osnet)
    config = read_tracker_config(arguments.tracker_config)
    table = Table('sequence', 'tracker', 'HOTA', 'MOTA', 'IDF1', 'IDSW', 'FP', 'FN')
    for text in arguments.sequences:
        folder, _, frames = text.partition(':')
        sequence = Path(folder)
        for name in run_sequence(sequence, arguments.output, runner, osnet, config):
            scores = evaluate(sequence, arguments.output / name, frames=frames or None)[COMBINED]
            table.add_row(
                sequence.name + (f' {frames}' if frames else ''), name,
                *(f'{scores[key]:.1f}' for key in ('HOTA', 'MOTA', 'IDF1')),
                *(str(scores[key]) for key in ('IDSW', 'FP', 'FN')))
        table.add_section()
    Console().print(table)


if __name__ == '__main__':
    main()
