# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of evaluation."""

import pytest


@pytest.fixture
def write_walk(tmp_path):
    """
    Return a function that writes a sequence of two people who walk towards each other.

    It has ground truth and detections, with scores as given; without images.
    """
    def write(name='walk', frames=30, score=0.8, parent=tmp_path):
        folder = parent / name
        for part in ('gt', 'det'):
            (folder / part).mkdir(parents=True)
        (folder / 'seqinfo.ini').write_text(
            f'[Sequence]\nname={name}\nframeRate=10\nseqLength={frames}\nimDir=img1\n')
        boxes = [(frame, person, 20 + (6 * frame if person == 1 else 6 * (frames - frame)),
                  50 + 30 * person) for frame in range(1, frames + 1) for person in (1, 2)]
        (folder / 'gt' / 'gt.txt').write_text(''.join(
            f'{frame},{person},{left},{top},30,80,1,1,1\n' for frame, person, left, top in boxes))
        (folder / 'det' / 'det.txt').write_text(''.join(
            f'{frame},-1,{left + frame % 3},{top},30,80,{score}\n'
            for frame, person, left, top in boxes if (frame + person) % 11))
        return folder
    return write
