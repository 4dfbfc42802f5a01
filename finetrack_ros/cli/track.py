# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack track``: track a source, or given detections, into text, video or a bag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
import time
from typing import cast, TYPE_CHECKING

import typer

from finetrack_ros.cli import options
from finetrack_ros.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from finetrack_ros.cli.run import Run
    from finetrack_ros.inference import FineTrackRunner
    from finetrack_ros.io import Frame, FrameSource, MotDetections
    from finetrack_ros.pipeline import Step
    from finetrack_ros.tracking import TrackerConfig

INTERRUPTED = 130

Sinks = list[Callable[['Frame', 'Step'], None]]


class Storage(str, Enum):
    """Storage plugins of rosbag2."""

    SQLITE3 = 'sqlite3'
    MCAP = 'mcap'


def track(
    source: str | None = typer.Argument(
        None, help='Video file, stream URL, image folder, MOTChallenge sequence folder, rosbag2 '
        'folder, or camera index. May be left out with --detections: nothing is then taken from '
        'images.'),
    output_path: Path = typer.Option(
        ..., '--output', '-o', help='MOTChallenge text to write, with the source frame numbers. '
        'If the source is a bag and the name does not end in .txt: folder of a new bag with the '
        'topics /tracks and /track_embeddings.'),
    video: Path | None = typer.Option(
        None, help='Video to write with boxes, ids and trails (.mp4, .avi, .mkv, .mov).'),
    view: str | None = typer.Option(
        None, help="'rerun' shows the run in the Rerun viewer as it goes on; a name that ends in "
        ".rrd records it for the viewer. Needs the extra 'view'."),
    topic: str | None = typer.Option(
        None, help='Image topic of a bag; may be left out if there is only one.'),
    storage: Storage | None = typer.Option(
        None, help='Storage of the new bag; as in the source if not given.'),
    with_images: bool = typer.Option(
        False, '--with-images', help='Copy the images into the new bag, beside their tracks.'),
    annotations: bool = typer.Option(
        False, '--annotations', help='Write what Foxglove draws over the images into the new bag, '
        'as /tracker/annotations.'),
    detections: Path | None = typer.Option(
        None, help="MOTChallenge text of another detector's boxes to track instead of ours: "
        'frame (from 1),-1,left,top,width,height,score.'),
    embeddings: bool = typer.Option(
        True, help='With --detections and a source: describe the boxes with our model. Without, '
        'no model is loaded.'),
    score_range: str | None = options.SCORE_RANGE,
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: str | None = options.INPUT_SIZE,
    classes: str | None = options.CLASSES,
    tracker_config: Path | None = options.TRACKER_CONFIG,
    fps: float | None = typer.Option(
        None, min=0.1, max=1000.0, help='Frame rate of a plain image folder (30 if not given), or '
        'of detections without a source (that of their seqinfo.ini, else 30).'),
    max_frames: int | None = typer.Option(None, min=1, help='Stop after this many frames.'),
    strict: bool = typer.Option(
        False, '--strict', help='End with an error at the first image that cannot be decoded; '
        'else such images are left out and counted.'),
    progress: bool = typer.Option(True, help='Show live progress.'),
) -> None:
    """Track people in a video, image folder, bag or camera stream, or join given detections."""
    from finetrack_ros.cli.run import show_summary, track_detections, track_frames
    from finetrack_ros.cli.tracker_config import read_tracker_config
    from finetrack_ros.cli.view import check_view, open_view
    from finetrack_ros.io import MotWriter, read_detections
    from finetrack_ros.pipeline import Pipeline

    # Outputs are opened last: an error before leaves the files of an earlier run as they are.
    outputs = [path for path in (output_path, video) if path is not None]
    _check_options(source, detections, embeddings, score_range, video, classes)
    check_view(view, source)
    into_bag = _is_bag_wanted(source, output_path, topic, storage)
    if (with_images or annotations) and not into_bag:
        raise ConfigError('--with-images and --annotations are about a bag as output: give a bag '
                          'as SOURCE and a folder as --output')
    _refuse_overwriting(outputs, source, detections)
    config = read_tracker_config(tracker_config)
    found = runner = frames = None
    with ExitStack() as stack:
        if detections is not None:
            found = read_detections(detections, options.parse_score_range(score_range))
        if source is not None:
            frames = stack.enter_context(_open_frames(source, fps, topic, strict))
            _check_length(found, frames.last_index, frames.name)
            if found is None or embeddings:
                runner = options.load_chosen_model(
                    model, engine, device, input_size, **options.parse_classes(classes))
        pipeline = Pipeline(runner, config)
        # Given boxes are of no class, and one class alone need not be said.
        names = runner.class_names if runner is not None and found is None \
            and len(runner.classes) > 1 else ()
        start = time.perf_counter()
        if frames is not None:
            # The text comes last: opening it empties the file.
            sinks = [] if video is None else _open_video(stack, video, frames.fps, names)
            sinks += _open_bag(stack, output_path, frames, storage, runner, with_images,
                               annotations) if into_bag \
                else _open_text(stack, output_path)
            if view is not None:
                sinks.append(open_view(stack, view).write)
            run = track_frames(frames, pipeline, sinks, max_frames, progress, found)
        elif found is not None and detections is not None:
            rate = fps or _frame_rate(detections)
            options.say(f'no source: {rate:g} frames per second, without embeddings and camera '
                        'motion')
            text = stack.enter_context(MotWriter(output_path))
            run = track_detections(
                found, rate, pipeline, [lambda number, step: text.write(number, step.tracks)],
                max_frames, progress)
    show_summary(run, time.perf_counter() - start, outputs, names)
    if found is not None:
        _review(found, run, config)
    # Ctrl-C is how a camera run ends; a file cut short is told by the exit code.
    if run.interrupted and (frames is None or frames.length is not None):
        raise typer.Exit(INTERRUPTED)
    if frames is not None and frames.last_index is None and not run.interrupted \
            and max_frames is None:
        _check_length(found, run.last_frame, frames.name)


def _check_options(source: str | None, detections: Path | None, embeddings: bool,
                   score_range: str | None, video: Path | None, classes: str | None) -> None:
    """Raise ConfigError where options are given that mean nothing together."""
    if classes is not None and detections is not None:
        raise ConfigError('--classes is about what our model finds: the boxes of --detections '
                          'have no classes')
    if source is None and detections is None:
        raise ConfigError('there is nothing to track: give a SOURCE, or --detections with a text '
                          'of detections, or both')
    options.check_detections_options(detections is not None, embeddings, score_range)
    if source is None and video is not None:
        raise ConfigError('--video needs images to draw on: give the SOURCE of the detections')


def _is_bag_wanted(source: str | None, path: Path, topic: str | None, storage: Storage | None
                   ) -> bool:
    """Say whether the output is a bag; raise ConfigError where options mean nothing then."""
    from finetrack_ros.io import is_bag

    wanted = source is not None and is_bag(Path(source)) and path.suffix.lower() != '.txt'
    if storage is not None and not wanted:
        raise ConfigError('--storage is about a bag as output: give a bag as SOURCE and a folder '
                          'as --output')
    if topic is not None and source is None:
        raise ConfigError('--topic is about the images of a bag: give the bag as SOURCE')
    return wanted


def _refuse_overwriting(outputs: Sequence[Path], *inputs: str | Path | None) -> None:
    for path in outputs:
        for given in inputs:
            if given is not None and path.exists() and Path(given).exists() \
                    and path.samefile(given):
                raise SourceError(f"Output '{path}' is an input itself. Choose another name.")


def _open_frames(source: str, fps: float | None, topic: str | None, strict: bool) -> FrameSource:
    """Open a source; warn where it states another frame rate than the user."""
    from finetrack_ros.io import open_source
    from finetrack_ros.io.seqinfo import DEFAULT_FPS

    frames = open_source(source, fps or DEFAULT_FPS, topic, strict)
    if fps is not None and frames.fps != fps:
        options.warn(f"--fps {fps:g} is not used: '{frames.name}' states {frames.fps:g} frames "
                     'per second itself')
    return frames


def _check_length(found: MotDetections | None, last: int | None, source: str) -> None:
    """Raise SourceError where detections go beyond the last frame of their source."""
    if found is not None and last is not None and found.last_frame > last:
        raise SourceError(f'The detections go up to frame {found.last_frame}, but the last frame '
                          f"of '{source}' is {last}. Give the detections of this very source.")


def _frame_rate(detections: Path) -> float:
    """Return the rate of the sequence folder that holds det/det.txt, 30 where there is none."""
    from finetrack_ros.io import read_seqinfo
    from finetrack_ros.io.seqinfo import DEFAULT_FPS

    folder = detections.resolve().parent.parent
    return read_seqinfo(folder).frame_rate if (folder / 'seqinfo.ini').is_file() else DEFAULT_FPS


def _open_text(stack: ExitStack, path: Path) -> Sinks:
    """Open a text; return what appends a frame's tracks to it."""
    from finetrack_ros.io import MotWriter

    lines = stack.enter_context(MotWriter(path))
    return [lambda frame, step: lines.write(frame.index, step.tracks)]


def _open_bag(stack: ExitStack, path: Path, source: FrameSource, storage: Storage | None,
              runner: FineTrackRunner | None, with_images: bool, annotations: bool) -> Sinks:
    """Prepare a bag; return what appends a frame's tracks to it."""
    from finetrack_ros.io.bag_source import BagFrame, BagSource
    from finetrack_ros.io.bag_writer import BagWriter

    assert isinstance(source, BagSource)
    names, dim = ((), 0) if runner is None else (runner.class_names, runner.embedding_dim)
    writer = stack.enter_context(
        BagWriter(path, storage.value if storage else source.storage, names, dim,
                  source.topic if with_images else '', annotations))
    return [lambda frame, step: writer.write(cast(BagFrame, frame), step.tracks)]


def _open_video(stack: ExitStack, path: Path, fps: float, names: Sequence[str]) -> Sinks:
    """Open a video; return what draws a frame's tracks into it, with their classes if named."""
    from finetrack_ros.io import draw_tracks, Trails, VideoWriter

    pictures, trails = stack.enter_context(VideoWriter(path, fps)), Trails()

    def write(frame: Frame, step: Step) -> None:
        tracks = step.tracks
        labels = [names[index] for index in tracks.classes.tolist()] if names else None
        pictures.write(draw_tracks(frame.image, tracks, trails, labels))
    return [write]


def _review(found: MotDetections, run: Run, config: TrackerConfig) -> None:
    """Say what of the given detections could not be used."""
    if found.dropped:
        options.warn(f'{found.dropped} detections have no width or height and were left out')
    best = found.scores.max(initial=0)
    if not run.ids and best < config.birth_score:
        options.warn(f'no track was started: the best score is {best:.3g}, and birth_score is '
                     f'{config.birth_score:g}. Lower it with --tracker-config, or spread the '
                     'scores with --score-range')
