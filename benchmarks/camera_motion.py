# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time the estimate of the camera's motion on 720p frames of MOTChallenge sequences, on one thread.

Corners on people (those of det/det.txt) are left out. The limit is 4 ms for a moving camera.
Beside it runs what it was reduced from, in turns: the same corners and flow on the whole image,
which is what trackers commonly do.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import time

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.io import open_source, read_detections
from finetrack_ros.motion import CameraMotion, MAX_CORNERS

LIMIT = 4.0
SIZE = (1280, 720)
MAX_FRAMES = 300


def whole_image_flow(before: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    """Fit the motion between two BGR frames without reducing them."""
    greys = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in (before, image)]
    corners = cv2.goodFeaturesToTrack(greys[0], MAX_CORNERS, qualityLevel=0.01, minDistance=6)
    if corners is None:
        return
    moved, found, _ = cv2.calcOpticalFlowPyrLK(*greys, corners, None)
    found = found[:, 0] == 1
    if found.any():
        cv2.estimateAffinePartial2D(corners[found], moved[found], method=cv2.RANSAC)


def measure(sequence: Path) -> None:
    """Print what one sequence costs."""
    # Whatever the detector's scores mean: all its boxes are wanted.
    people = read_detections(sequence / 'det' / 'det.txt', (-1000, 1000))
    camera = CameraMotion()
    ours: dict[bool, list[float]] = {False: [], True: []}
    whole, before = [], None
    with open_source(str(sequence)) as source:
        for frame in source:
            image = cv2.resize(frame.image, SIZE)
            ratio = np.divide(SIZE, frame.image.shape[1::-1]).astype(np.float32)
            boxes = people.of_frame(frame.index).boxes * np.tile(ratio, 2)
            start = time.thread_time()
            moved = camera.estimate(image, boxes) is not None
            middle = time.thread_time()
            if before is not None:
                whole_image_flow(before, image)
                whole.append(time.thread_time() - middle)
                ours[moved].append(middle - start)
            before = image
            if len(whole) == MAX_FRAMES:
                break
    peer = 1000 * np.median(whole)
    for moved, seconds in ours.items():
        if seconds:
            median, late = 1000 * np.quantile(seconds, [0.5, 0.95])
            print(f'{source.name:16} {"moving" if moved else "still":7} {len(seconds):4} frames  '
                  f'median {median:5.2f} ms ({median / LIMIT:4.2f} of the limit)  '
                  f'p95 {late:5.2f} ms  whole image {peer:6.2f} ms ({peer / median:5.1f}x)')


def main() -> None:
    """Measure each sequence given."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('sequences', type=Path, nargs='+', help='MOTChallenge sequence folders')
    cv2.setNumThreads(1)
    for sequence in parser.parse_args().sequences:
        measure(sequence)
    print(f'{os.cpu_count()} cores, OpenCV {cv2.__version__}')


if __name__ == '__main__':
    main()
