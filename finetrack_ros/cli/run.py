# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Track a source frame by frame with live progress, and sum the run up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
import itertools
import math
from pathlib import Path
import signal
import statistics
import time
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from finetrack_ros.cli.application import errors, output
from finetrack_ros.io import Frame, FrameSource, MotDetections
from finetrack_ros.pipeline import Pipeline, Step
from finetrack_ros.protocols import StageTimes
from finetrack_ros.tracking import Tracks

_RECENT = 30
_TINY_SECONDS = 1e-9

FrameT = TypeVar('FrameT', Frame, int)
Sink = Callable[[FrameT, Step], None]


@dataclass
class Run:
    """
    What one run over a source measured.

    :ivar ids: every track id that was given out, with the last class of its track.
    :ivar step_seconds: time of the pipeline for each frame, without reading and writing.
    :ivar stage_seconds: the same by stage of the pipeline.
    :ivar last_frame: number of the last frame that was tracked; 0 before the first.
    :ivar skipped: number of images that could not be decoded and were left out.
    :ivar interrupted: whether Ctrl-C or SIGTERM ended it.
    """

    ids: dict[int, int] = field(default_factory=dict)
    step_seconds: list[float] = field(default_factory=list)
    stage_seconds: dict[str, list[float]] = field(default_factory=dict)
    last_frame: int = 0
    skipped: int = 0
    interrupted: bool = False

    def add(self, tracks: Tracks, times: StageTimes, seconds: float) -> None:
        """Take in one frame."""
        self.ids.update(zip(tracks.ids.tolist(), tracks.classes.tolist(), strict=True))
        self.step_seconds.append(seconds)
        for stage, value in times.items():
            self.stage_seconds.setdefault(stage, []).append(value)

    def recent_fps(self) -> float:
        """Return frames per second of the pipeline over the last frames."""
        return 1.0 / max(statistics.fmean(self.step_seconds[-_RECENT:]), _TINY_SECONDS)


def track_frames(source: FrameSource, pipeline: Pipeline, sinks: Sequence[Sink[Frame]],
                 max_frames: int | None = None, show_progress: bool = True,
                 detections: MotDetections | None = None) -> Run:
    """
    Track until the source ends, ``max_frames`` are done, or Ctrl-C or SIGTERM ends the run.

    :param sinks: called with every frame and what came of it, in order.
    :param detections: of another detector, paired with frames by number; None runs ours.
    """
    def step(frame: Frame) -> Step:
        found = None if detections is None else detections.of_frame(frame.index)
        return pipeline.process(frame.image, frame.stamp, found)

    length = source.length
    if max_frames is not None:
        length = max_frames if length is None else min(length, max_frames)
    with progress_bar(show_progress) as progress:
        task = progress.add_task(source.name, total=length, status='')
        run = _track(itertools.islice(source, max_frames), step, sinks, progress, task)
    run.skipped = source.skipped
    return run


def track_detections(detections: MotDetections, fps: float, pipeline: Pipeline,
                     sinks: Sequence[Sink[int]], max_frames: int | None = None,
                     show_progress: bool = True) -> Run:
    """
    Track detections without their images, up to the last frame that has any.

    :param fps: frames per second.
    :param sinks: called with every frame's number and what came of it, in order.
    """
    def step(number: int) -> Step:
        seen = pipeline.stream.observe(None, detections.of_frame(number))
        return pipeline.track(seen, number / fps)

    last = min(detections.last_frame, max_frames or detections.last_frame)
    config = pipeline.stream.tracker.config
    # Once all tracks are forgotten, further empty frames change nothing.
    most_empty = math.ceil(fps * (config.lost_seconds + config.memory_seconds + 1)) + 10
    numbers = detections.frames(last, most_empty)
    with progress_bar(show_progress) as progress:
        task = progress.add_task('detections', total=len(numbers), status='')
        return _track(numbers, step, sinks, progress, task)


def _track(frames: Iterable[FrameT], step: Callable[[FrameT], Step],
           sinks: Sequence[Sink[FrameT]], progress: Progress, task: TaskID) -> Run:
    run = Run()
    try:
        with sigterm_as_interrupt():
            for frame in frames:
                start = time.perf_counter()
                done = step(frame)
                tracks = done.tracks
                run.add(tracks, done.times, time.perf_counter() - start)
                run.last_frame = frame if isinstance(frame, int) else frame.index
                for sink in sinks:
                    sink(frame, done)
                progress.update(task, advance=1, status=f'{run.recent_fps():5.1f} fps  '
                                f'{len(tracks):3d} on screen  {len(run.ids):4d} ids')
    except KeyboardInterrupt:
        run.interrupted = True
    return run


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM (timeout, docker stop) end a run like Ctrl-C: with what it has so far."""
    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, terminate)


def progress_bar(show: bool) -> Progress:
    """Return a live display whose tasks have a field ``status``."""
    return Progress(
        TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
        TextColumn('{task.fields[status]}'), TimeElapsedColumn(), TimeRemainingColumn(),
        console=errors, disable=not show)


def show_summary(run: Run, seconds: float, outputs: Sequence[Path],
                 class_names: Sequence[str] = ()) -> None:
    """
    Print what a run of ``seconds`` wall time did and where its files are.

    :param class_names: names of the classes; empty where tracks need not be told apart by them.
    """
    frames = len(run.step_seconds)
    table = Table(show_header=False, box=None)
    table.add_row('frames', f'{frames}{" (interrupted)" if run.interrupted else ""}')
    if run.skipped:
        table.add_row('left out', f'{run.skipped} image(s) that cannot be decoded')
    counts = Counter(class_names[index] for index in run.ids.values()) if class_names else {}
    table.add_row('tracks', ', '.join([str(len(run.ids)), *(
        f'{count} {name}' for name, count in counts.items())]))
    if frames:
        pipeline_fps = 1.0 / max(statistics.fmean(run.step_seconds), _TINY_SECONDS)
        table.add_row('rate', f'{pipeline_fps:.1f} fps tracking, '
                      f'{frames / max(seconds, _TINY_SECONDS):.1f} fps with reading and writing')
        stages = ', '.join(f'{stage} {1000 * statistics.median(values):.1f}'
                           for stage, values in run.stage_seconds.items())
        table.add_row('median ms', stages)
    output.print(table)
    for path in outputs:
        output.print(f' written    {path}', soft_wrap=True, markup=False, highlight=False)
