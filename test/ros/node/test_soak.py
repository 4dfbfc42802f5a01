# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The real node with the real model for a long time: memory, latency and threads stay as they are.

The full form takes half an hour:
``FINETRACK_SOAK_MINUTES=30 python -m pytest test/ros/node/test_soak.py --timeout 0``
"""

from collections import Counter
import contextlib
from dataclasses import dataclass, field
import os
from pathlib import Path
import time
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from finetrack_ros.io import open_source
from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.messages.image_conversions import to_image_message

pytestmark = [pytest.mark.ros, pytest.mark.slow]

NODE_MODULE = ('-m', 'finetrack_ros.ros.node.tracker_node')
MINUTES = float(os.environ.get('FINETRACK_SOAK_MINUTES', '0.75'))
WARM_UP = max(15.0, 6.0 * MINUTES)
"""Seconds in which allocators, caches and the tracker's memory may still fill."""
RATE = 10.0
SWITCH = 5.0
"""Seconds after which the subscribers of the drawn outputs come or go."""
WINDOW = 5.0
GROWTH = 8.0
"""Megabytes by which the fitted line may rise over the whole run."""
LATE_THREADS = max(0, cv2.getNumThreads() - 1)
"""Threads that may still be started: OpenCV starts its workers when it first needs them, one for
each core but the first. Measured by tracing: no other lasting thread is started while it runs."""
DRIFT = 1.5 if MINUTES >= 5 else 3.0
"""Largest ratio of the halves' latencies; a short run has few windows to even out."""

DRAWN = ((TrackEmbeddings, 'track_embeddings'), (Image, '/tracker/debug_image'),
         (MarkerArray, '/tracker/markers'))


class Holdings(NamedTuple):
    """Threads and memory of a process, by name."""

    threads: dict[int, str]
    """Name of each thread that lasts for a second, by its number."""
    mappings: Counter[str]
    """Resident kilobytes, by what is mapped: a file's name, [heap], or how large the piece is."""

    @classmethod
    def of(cls, pid):
        """Return what a process holds, within a second."""
        folder = Path('/proc', str(pid))
        before = {task.name for task in (folder / 'task').iterdir()}
        time.sleep(1.0)
        threads = {}
        for name in before:
            # Those that libraries start for a moment have ended.
            with contextlib.suppress(OSError):
                threads[int(name)] = (folder / 'task' / name / 'comm').read_text().strip()
        mappings: Counter[str] = Counter()
        name = ''
        for line in (folder / 'smaps').read_text().splitlines():
            first, *rest = line.split(maxsplit=5)
            if '-' in first:
                start, end = (int(number, 16) for number in first.split('-'))
                name = (Path(rest[4]).name if len(rest) > 4 and '/' in rest[4]
                        else rest[4] if len(rest) > 4 else f'anonymous, {_size(end - start)}')
            elif first == 'Rss:':
                mappings[name] += int(rest[0])
        return cls(threads, mappings)

    def told_since(self, before):
        """Return in words which threads came and went, and what grew most."""
        came = {tid: name for tid, name in self.threads.items() if tid not in before.threads}
        went = [name for tid, name in before.threads.items() if tid not in self.threads]
        grown = (self.mappings - before.mappings).most_common(6)
        return (f'threads that came: {came}; that went: {went}; all: '
                f'{dict(Counter(self.threads.values()))}\nmemory that grew, kB: {dict(grown)}')


def _size(size):
    """Return the order of magnitude of a mapping: glibc's arenas take up to 64 MB each."""
    return f'up to {2 ** max(0, (size - 1).bit_length() - 20)} MB'


@dataclass
class Figures:
    """What was seen: one row per second, and one per frame."""

    seconds: list[tuple[float, float, int, int, float]] = field(default_factory=list)
    """Time, resident megabytes, threads, open files, and seconds of a fixed computation."""
    frames: list[tuple[float, float]] = field(default_factory=list)
    """Time, and seconds from the image's stamp to its tracks."""
    holdings: list[Holdings] = field(default_factory=list)
    """What the process held at the beginning and at the end, by thread and by mapping."""
    sent: int = 0
    tracked: int = 0
    people: int = 0

    def growth(self):
        """Return the rise of memory over the run in MB: the median slope of all pairs."""
        rows = np.array(self.seconds)[::max(1, len(self.seconds) // 300), :2]
        times, sizes = rows.T
        first, last = np.triu_indices(len(rows), 1)
        slopes = (sizes[last] - sizes[first]) / (times[last] - times[first])
        return float(np.median(slopes) * (times[-1] - times[0]))

    def drift(self, rows, share):
        """Return a quantile's first and second half: the median of short windows of each."""
        times, values = np.array(rows).T
        windows = ((times - times[0]) // WINDOW).astype(int)
        levels = [np.quantile(values[windows == w], share) for w in np.unique(windows)]
        half = len(levels) // 2
        return float(np.median(levels[:half])), float(np.median(levels[half:]))


def computation():
    """Time a fixed piece of work: it takes longer when the machine is busy with other things."""
    values = np.linspace(0, 1, 100_000)
    start = time.perf_counter()
    for _ in range(10):
        np.sort(np.sin(values))
    return time.perf_counter() - start


@pytest.fixture
def images(shared_data):
    """Return messages of a street, there and back again, so that nothing jumps at the seam."""
    with open_source(str(shared_data / 'mot' / 'TUD-Campus')) as source:
        frames = [frame.image for frame in source]
    return [to_image_message(f, Image().header) for f in frames + frames[-2:0:-1]]


class Soak:
    """Publishes at a fixed rate, follows what comes back, and looks at the node each second."""

    def __init__(self, bench, tracker, images):
        self.bench, self.tracker, self.images = bench, tracker, images
        self.figures = Figures()
        self._publisher = bench.node.create_publisher(Image, 'image', 1)
        self._drawn = []
        bench.node.create_subscription(Detection2DArray, 'tracks', self._tracks, 10)
        bench.node.create_subscription(Latency, '/tracker/latency', self._latency, 10)
        bench.wait(self._publisher.get_subscription_count, 'subscription of the tracker')

    def _tracks(self, msg):
        self.figures.tracked += 1
        self.figures.people += len(msg.detections)

    def _latency(self, msg):
        self.figures.frames.append((time.monotonic(), msg.total))

    def _send(self):
        image = self.images[self.figures.sent % len(self.images)]
        image.header.stamp = self.bench.node.get_clock().now().to_msg()
        self._publisher.publish(image)
        self.figures.sent += 1

    def _switch(self):
        """Let the subscribers of the drawn outputs come, or go."""
        node = self.bench.node
        if self._drawn:
            for subscription in self._drawn:
                node.destroy_subscription(subscription)
            self._drawn = []
        else:
            self._drawn = [node.create_subscription(kind, topic, lambda _: None, 1)
                           for kind, topic in DRAWN]

    def _look(self):
        self.figures.seconds.append(
            (time.monotonic(), *self.bench.vitals(self.tracker), computation()))

    def run(self, seconds):
        """Go on for a while; return what was seen."""
        self.figures = Figures()
        self.figures.holdings.append(Holdings.of(self.tracker.pid))
        start = time.monotonic()
        todo = [[start, 1 / RATE, self._send], [start, SWITCH, self._switch],
                [start, 1.0, self._look]]
        while (now := time.monotonic()) < start + seconds:
            for task in todo:
                if now >= task[0]:
                    # Counted from now where the machine was too busy: no burst to catch up.
                    task[0] = max(task[0] + task[1], now)
                    task[2]()
            self.bench.spin(max(0.0, min(task[0] for task in todo) - time.monotonic()))
        self.figures.holdings.append(Holdings.of(self.tracker.pid))
        return self.figures


def test_memory_latency_and_threads_stay_as_they_are(own_bench, images, capsys):
    tracker = own_bench.start(*NODE_MODULE, input_size=256, reliability='reliable')
    soak = Soak(own_bench, tracker, images)
    soak.run(WARM_UP)
    figures = soak.run(60 * MINUTES - WARM_UP)
    own_bench.spin(1.5)
    assert figures.tracked > 0.5 * figures.sent
    counts = {name: int(own_bench.status()['/image'].values[name])
              for name in ('received', 'processed', 'dropped', 'bad_images')}
    rows = np.array(figures.seconds)
    control = figures.drift(rows[:, [0, 4]], 0.5)
    before, after = figures.drift(figures.frames, 0.95)
    first, last = figures.holdings
    told = last.told_since(first)
    with capsys.disabled():
        print(f'\nsoak of {MINUTES:g} minutes, the first {WARM_UP:.0f} s not counted: '
              f'{figures.sent} images, {figures.tracked} came out with '
              f'{figures.people / figures.tracked:.1f} people each; in all {counts}\n'
              f'memory {rows[0, 1]:.1f} to {rows[-1, 1]:.1f} MB, at most {rows[:, 1].max():.1f}, '
              f'by tenths {rows[::max(1, len(rows) // 10), 1].round(1).tolist()}, '
              f'trend {figures.growth():+.2f} MB over the run; threads {rows[:, 2].min():.0f} to '
              f'{rows[:, 2].max():.0f}, open files {rows[:, 3].min():.0f} to '
              f'{rows[:, 3].max():.0f}\n{told}\n'
              f'stamp to tracks, 95 %: {1e3 * before:.1f} ms in the first half, {1e3 * after:.1f} '
              f'in the second; median {1e3 * np.median(np.array(figures.frames)[:, 1]):.1f}; a '
              f'fixed computation beside it: {1e3 * control[0]:.1f} and {1e3 * control[1]:.1f}')
    assert tracker.poll() is None
    assert figures.growth() < GROWTH, told
    assert len(last.threads) <= len(first.threads) + LATE_THREADS, told
    assert rows[-1, 3] <= rows[0, 3] + 2
    # Other programs may slow the machine, which is no fault of the node.
    assert after / before < DRIFT * max(1.0, control[1] / control[0])
    assert figures.people > figures.tracked
    assert abs(counts['received'] - counts['processed'] - counts['dropped']) <= 1
    assert counts['bad_images'] == 0
    assert own_bench.stop(tracker) == 0
