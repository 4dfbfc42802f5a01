# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Track the stored detections of MOTChallenge sequences with one preset for all.

Reads SEQUENCE/det/det.txt and SEQUENCE/seqinfo.ini below a folder and writes SEQUENCE.txt files
that ``finetrack eval`` scores. No images, so no appearance; no interpolation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from finetrack_ros.io import MotWriter, read_detections, read_seqinfo
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.presets import preset_names, preset_values


def track_sequence(sequence: Path, output: Path, config: TrackerConfig, second_half: bool) -> None:
    """Track one sequence, from its middle on where ``second_half`` is set, and write the text."""
    info = read_seqinfo(sequence)
    assert info.length is not None, 'the files of a benchmark state their length'
    found = read_detections(sequence / 'det' / 'det.txt')
    tracker = Tracker(config)
    with MotWriter(output / f'{sequence.name}.txt') as writer:
        for frame in range(info.length // 2 + 1 if second_half else 1, info.length + 1):
            tracks = tracker.update(found.of_frame(frame), frame / info.frame_rate)
            writer.write(frame, tracks)


def main() -> None:
    """Track every sequence of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('data', type=Path, help='folder of sequence folders')
    parser.add_argument('output', type=Path, help='folder for the results')
    parser.add_argument('--preset', choices=preset_names(), default='default')
    parser.add_argument('--second-half', action='store_true', help='start in the middle')
    arguments = parser.parse_args()
    values = preset_values(arguments.preset)
    config = TrackerConfig.from_mapping(values)
    for sequence in sorted(path.parent.parent for path in arguments.data.glob('*/det/det.txt')):
        track_sequence(sequence, arguments.output, config, arguments.second_half)


if __name__ == '__main__':
    main()
