# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack track``: track a video, folder or camera into MOTChallenge text and video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
import time
from typing import TYPE_CHECKING

import typer

from finetrack_ros.cli.application import errors, parse_input_size
from finetrack_ros.errors import SourceError

if TYPE_CHECKING:
    from finetrack_ros.io import Frame, VideoWriter
    from finetrack_ros.tracking import Tracks

INTERRUPTED = 130


def track(
    source: str = typer.Argument(
        help='Video file, stream URL, image folder, MOTChallenge sequence folder, or camera '
        'index.'),
    output_file: Path = typer.Option(
        ..., '--output', '-o', help='MOTChallenge text to write, with the source frame numbers.'),
    video: Path | None = typer.Option(
        None, help='Video to write with boxes, ids and trails (.mp4, .avi, .mkv, .mov).'),
    model: str = typer.Option(
        'finetrack_nano', help='Name of a shipped model, or a folder written by an export.'),
    engine: str = typer.Option('auto', help='Inference engine.'),
    device: str = typer.Option('auto', help='auto, cpu, cuda or cuda:N.'),
    input_size: str | None = typer.Option(
        None, help='Network input in pixels: long side (640) or height x width (384x640).'),
    tracker_config: Path | None = typer.Option(
        None, help='Tracker parameters: a preset (default, mot, dance), or a YAML file, plain or '
        'as ROS parameters.'),
    fps: float = typer.Option(
        30.0, min=0.1, max=1000.0, help='Frame rate of a plain image folder.'),
    max_frames: int | None = typer.Option(None, min=1, help='Stop after this many frames.'),
    progress: bool = typer.Option(True, help='Show live progress.'),
) -> None:
    """Track people in a video, image folder or camera stream."""
    from finetrack_ros.cli.run import show_summary, track_frames
    from finetrack_ros.cli.tracker_config import read_tracker_config
    from finetrack_ros.inference import load_model
    from finetrack_ros.io import MotWriter, open_source, VideoWriter
    from finetrack_ros.pipeline import Pipeline

    # Outputs are opened last: an error before leaves the files of an earlier run as they are.
    outputs = [path for path in (output_file, video) if path is not None]
    _refuse_overwriting(source, outputs)
    config = read_tracker_config(tracker_config)
    size = parse_input_size(input_size)
    with ExitStack() as stack:
        frames = stack.enter_context(open_source(source, fps))
        runner = load_model(model, engine=engine, device=device, **size)
        errors.print(f'{runner.model_name} with {runner.engine_name} on {runner.device_name} '
                     f'({runner.engine_reason})', style='dim', markup=False, highlight=False)
        text = stack.enter_context(MotWriter(output_file))
        sinks: list[Callable[[Frame, Tracks], None]] = [
            lambda frame, tracks: text.write(frame.index, tracks)]
        if video is not None:
            sinks.append(_draw_into(stack.enter_context(VideoWriter(video, frames.fps))))
        start = time.perf_counter()
        run = track_frames(frames, Pipeline(runner, config), sinks, max_frames, progress)
    show_summary(run, time.perf_counter() - start, outputs)
    # Ctrl-C is how a camera run ends; a file cut short is told by the exit code.
    if run.interrupted and frames.length is not None:
        raise typer.Exit(INTERRUPTED)


def _refuse_overwriting(source: str, outputs: Sequence[Path]) -> None:
    for path in outputs:
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise SourceError(f"Output '{path}' is the source itself. Choose another name.")


def _draw_into(writer: VideoWriter) -> Callable[[Frame, Tracks], None]:
    """Return a function that appends frames with their tracks drawn to a video."""
    from finetrack_ros.io import draw_tracks, Trails

    trails = Trails()
    return lambda frame, tracks: writer.write(draw_tracks(frame.image, tracks, trails))
