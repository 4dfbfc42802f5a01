# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of evaluation."""

import cv2
import numpy as np
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


COLOURS = {1: (200, 40, 40), 2: (40, 40, 200)}


@pytest.fixture
def painted_walk(write_walk):
    """Return a sequence of 60 images where a blue person 1 and a red person 2 walk apart."""
    folder = write_walk('painted', frames=60)
    (folder / 'img1').mkdir()
    rows = []
    for frame in range(1, 61):
        image = np.full((240, 440, 3), 90, np.uint8)
        for person, (left, top) in {1: (20 + 6 * frame, 20), 2: (390 - 6 * frame, 130)}.items():
            image[top:top + 80, left:left + 30] = COLOURS[person]
            rows.append(f'{frame},{person},{left},{top},30,80,1,1,1\n')
        cv2.imwrite(str(folder / 'img1' / f'{frame:06d}.png'), image)
    (folder / 'gt' / 'gt.txt').write_text(''.join(rows))
    return folder
