# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Time the tracker's update beside its peers on a synthetic crowd, on one thread.

Every tracker sees the same frames, one after the other within each frame, so that whatever else
the machine does falls on all alike. Identities are scored (IDF1 against the crowd's own ids), and
a tracker that confuses them gets no time: a tracker that drops its tracks is fast.

Peers are measured where they are installed: boxmot, trackers (roboflow), bytetracker (the original
ByteTrack, packaged), and pyxtrackers (ByteTrack in Cython).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
import os
import sys
import time

import lap
import numpy as np
from numpy.typing import NDArray
from peers import available_peers

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker

FRAME_RATE = 30
WARM_UP = 20
LEAST_IDF1 = 0.9

Update = Callable[[Detections], NDArray[np.float32]]
"""Takes the detections of a frame and returns tracks as rows of xyxy and id."""


@dataclass
class Result:
    """Seconds of each update, and the ids that came out beside the true ones."""

    seconds: list[float] = field(default_factory=list)
    pairs: list[NDArray[np.int64]] = field(default_factory=list)
    given: int = 0

    def idf1(self, truth: int) -> float:
        """Return the F1 score of identities under the best one-to-one mapping of ids."""
        pairs = np.concatenate(self.pairs)
        if not len(pairs):
            return 0.0
        _, tracks = np.unique(pairs[:, 1], return_inverse=True)
        counts = np.zeros((pairs[:, 0].max() + 1, tracks.max() + 1))
        np.add.at(counts, (pairs[:, 0], tracks), 1)
        _, columns, _ = lap.lapjv(-counts, extend_cost=True)
        rows = np.flatnonzero(columns >= 0)
        return float(2 * counts[rows, columns[rows]].sum() / (truth + self.given))


def crowd(targets: int, frames: int, dim: int | None, seed: int
          ) -> Iterator[tuple[NDArray[np.int64], Detections]]:
    """
    Walk people of about 50x120 px over a square as dense as a busy street.

    :return: per frame the true ids and their detections: 3 % missed, 1.5 px of noise, scores from
        0.5, embeddings with a cosine of about 0.8 between views of one person.
    """
    rng = np.random.default_rng(seed)
    side = 130 * targets ** 0.5 + 200
    centre = rng.uniform(0, side, (targets, 2))
    velocity = rng.normal(0, 2, (targets, 2))
    size = np.array([50, 120]) * rng.uniform(0.8, 1.2, (targets, 1))
    looks = rng.normal(size=(targets, dim or 1)).astype(np.float32)
    for _ in range(frames):
        velocity += rng.normal(0, 0.2, velocity.shape)
        velocity = np.where((centre < 0) & (velocity < 0) | (centre > side) & (velocity > 0),
                            -velocity, velocity)
        centre = centre + velocity
        seen = np.flatnonzero(rng.random(targets) > 0.03)
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[seen]
        boxes += rng.normal(0, 1.5, boxes.shape)
        views = looks[seen] + 0.5 * rng.normal(size=(len(seen), looks.shape[1]))
        views /= np.linalg.norm(views, axis=1, keepdims=True)
        yield seen, Detections(boxes, rng.uniform(0.5, 1, len(seen)), np.zeros(len(seen)),
                               None if dim is None else views)


def our_tracker() -> Update:
    """Return the update of this package's tracker with its default parameters."""
    tracker = Tracker()

    def update(detections: Detections) -> NDArray[np.float32]:
        tracks = tracker.update(detections)
        return np.column_stack([tracks.boxes, tracks.ids]).astype(np.float32)

    return update


def true_ids(rows: NDArray[np.float32], ids: NDArray[np.int64],
             boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pair each track with the person whose detection it covers best, [T, 2] true and given."""
    if not len(rows):
        return np.zeros((0, 2), np.int64)
    distance = np.abs(rows[:, None, :4] - boxes).sum(axis=2)
    nearest = distance.argmin(axis=1)
    close = distance[np.arange(len(rows)), nearest] < 60
    return np.column_stack([ids[nearest], rows[:, 4].astype(np.int64)])[close]


def measure(trackers: dict[str, Update], targets: int, frames: int,
            dim: int | None) -> tuple[dict[str, Result], int]:
    """Run all trackers over one crowd in turns; return their results and the true boxes seen."""
    results = {name: Result() for name in trackers}
    truth = 0
    for ids, detections in crowd(targets, frames, dim, seed=targets):
        truth += len(ids)
        for name, update in trackers.items():
            start = time.thread_time()
            rows = update(detections)
            results[name].seconds.append(time.thread_time() - start)
            results[name].pairs.append(true_ids(rows, ids, detections.boxes))
            results[name].given += len(rows)
    return results, truth


def report(results: dict[str, Result], truth: int, targets: int, dim: int | None) -> None:
    """Print one line per tracker: IDF1, and milliseconds and ratio where the IDF1 allows."""
    ours = float(np.median(results['finetrack_ros'].seconds[WARM_UP:]))
    kind = 'no embeddings' if dim is None else f'{dim}-d embeddings'
    print(f'\n{targets} targets, {kind}')
    for name, result in results.items():
        idf1 = result.idf1(truth)
        line = f'  {name:28} IDF1 {idf1:.3f}'
        if idf1 >= LEAST_IDF1:
            seconds = float(np.median(result.seconds[WARM_UP:]))
            line += f'  {1e3 * seconds:9.2f} ms  {seconds / ours:7.1f} x'
        else:
            line += f'  no time: IDF1 below {LEAST_IDF1}'
        print(line, flush=True)


def use_one_thread() -> None:
    """Start this program again with one thread where the libraries would take more."""
    one = {name: '1' for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')}
    if any(os.environ.get(name) != value for name, value in one.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **one})


def main() -> None:
    """Measure all installed trackers at the asked numbers of targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--targets', type=int, nargs='+', default=[10, 50, 100, 500])
    parser.add_argument('--frames', type=int, default=120)
    parser.add_argument('--dim', type=int, default=512, help='width of the embeddings')
    parser.add_argument('--no-peers', action='store_true', help='measure this package alone')
    arguments = parser.parse_args()
    use_one_thread()
    for dim in (None, arguments.dim):
        for targets in arguments.targets:
            trackers = {'finetrack_ros': our_tracker()}
            if not arguments.no_peers:
                trackers |= available_peers(FRAME_RATE, with_embeddings=dim is not None)
            results, truth = measure(trackers, targets, arguments.frames, dim)
            report(results, truth, targets, dim)


if __name__ == '__main__':
    main()
