# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack batch``: track many recordings, on all cores or a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
import time
from typing import TYPE_CHECKING

import typer

from finetrack_ros.cli import options

if TYPE_CHECKING:
    from rich.progress import TaskID

    from finetrack_ros.recordings.listing import Recording
    from finetrack_ros.recordings.pool import Pool
    from finetrack_ros.recordings.results import Record
    from finetrack_ros.recordings.work import Job

INTERRUPTED = 130


def batch(
    sources: list[str] | None = typer.Argument(
        None, help="Videos, image folders, sequences and bags: paths, quoted patterns such as "
        "'day*/*.mp4', or URLs such as s3://bucket/day*/*.mp4."),
    folder: str = typer.Option(
        ..., '--output', '-o', help='Folder or URL of the results: text/NAME.txt (MOTChallenge), '
        'tracks/ (a Parquet data set, partitioned by recording), records/NAME.json.'),
    manifest: Path | None = typer.Option(
        None, help='Text file of more recordings, one a line.'),
    workers: int = typer.Option(0, min=0, help='Workers; 0 takes as many as there is room for.'),
    cpus: int = typer.Option(1, '--cpus-per-worker', min=1, help='CPU threads of each worker.'),
    gpus: float = typer.Option(
        0.0, '--gpus-per-worker', min=0.0, help='GPUs of each worker, such as 0.25.'),
    address: str | None = typer.Option(
        None, help='Ray cluster to run on (auto, HOST:6379 or ray://HOST:10001); this machine '
        'alone if not given.'),
    embeddings: bool = typer.Option(
        False, '--embeddings', help='Keep the last embedding of each track, too, in embeddings/. '
        'Embeddings of people are personal data.'),
    topic: str | None = typer.Option(
        None, help='Image topic of bags; may be left out where each has only one.'),
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: str | None = options.INPUT_SIZE,
    classes: str | None = options.CLASSES,
    tracker_config: Path | None = options.TRACKER_CONFIG,
    fps: float = typer.Option(
        30.0, min=0.1, max=1000.0, help='Frame rate of plain image folders.'),
    max_frames: int | None = typer.Option(
        None, min=1, help='Stop each recording after this many frames.'),
    strict: bool = typer.Option(
        False, '--strict', help='Give a recording up at its first image that cannot be decoded; '
        'else such images are left out and counted.'),
    progress: bool = typer.Option(True, help='Show live progress.'),
) -> None:
    """
    Track many recordings, several at once.

    A run that was killed goes on where it was: recordings whose results are there, and that have
    not changed since, are not tracked again. A recording that cannot be read is reported, and
    the others go on; the exit code is then 1.
    """
    from finetrack_ros.cli.application import require_batch_libraries
    from finetrack_ros.cli.tracker_config import read_tracker_config

    require_batch_libraries()
    from finetrack_ros.recordings.listing import find_recordings
    from finetrack_ros.recordings.pool import Pool
    from finetrack_ros.recordings.results import Store
    from finetrack_ros.recordings.work import Job

    chosen = {**options.parse_input_size(input_size), **options.parse_classes(classes)}
    job = Job(model, engine, device, chosen, read_tracker_config(tracker_config), fps, topic,
              strict, embeddings, max_frames)
    if '://' not in folder:
        folder = str(Path(folder).expanduser().absolute())
    start, digest, earlier = time.perf_counter(), job.digest(), Store(folder).records()
    recordings = find_recordings(sources or [], manifest, {
        record.source: record.name for record in earlier.values()})
    kept = _kept(recordings, earlier, digest)
    wanted = [recording for recording in recordings if recording.name not in kept]
    records, interrupted = list(kept.values()), False
    if wanted:
        found, interrupted = _track(wanted, job, folder, digest,
                                    Pool(workers, cpus, gpus, address), progress)
        records += found
    _show(records, len(kept), len(recordings), time.perf_counter() - start, folder)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if any(record.error for record in records):
        raise typer.Exit(1)


def _kept(recordings: Sequence[Recording], earlier: Mapping[str, Record], digest: str
          ) -> dict[str, Record]:
    """Return the records of those that were tracked with these settings and have not changed."""
    from finetrack_ros.errors import SourceError
    from finetrack_ros.recordings.listing import fingerprint

    kept: dict[str, Record] = {}
    for recording in recordings:
        record = earlier.get(recording.name)
        if record is None or record.error or record.settings != digest:
            continue
        try:
            if record.fingerprint == fingerprint(recording):
                kept[recording.name] = record
        except SourceError as error:
            # The worker will report it; its results stay until then.
            options.warn(str(error))
    return kept


def _track(recordings: Sequence[Recording], job: Job, folder: str, digest: str, pool: Pool,
           show: bool) -> tuple[list[Record], bool]:
    """Return the records of what was tracked, and whether Ctrl-C or SIGTERM ended it."""
    from finetrack_ros.cli.run import progress_bar, sigterm_as_interrupt
    from finetrack_ros.recordings.pool import run, started

    records: list[Record] = []
    with progress_bar(show) as bars, started(pool) as count:
        options.say(f'{len(recordings)} recordings, {count} workers of {pool.cpus} CPUs'
                    + (f' and {pool.gpus:g} GPUs' if pool.gpus else ''))
        total = bars.add_task('recordings', total=len(recordings), status='')
        tasks: dict[str, TaskID] = {}
        try:
            with sigterm_as_interrupt():
                for update in run(recordings, job, folder, digest, pool, count):
                    name, record = update.recording.name, update.record
                    if record is None:
                        task = tasks.get(name)
                        if task is None:
                            task = tasks[name] = bars.add_task(name, total=None, status='')
                        bars.update(task, completed=update.done, total=update.length)
                        continue
                    records.append(record)
                    bars.update(total, advance=1)
                    if name in tasks:
                        bars.remove_task(tasks.pop(name))
                    if record.error:
                        options.warn(f'{name}: {record.error}')
        except KeyboardInterrupt:
            return records, True
    return records, False


def _show(records: Sequence[Record], kept: int, wanted: int, seconds: float, folder: str) -> None:
    """Print what the run did."""
    from rich.table import Table

    from finetrack_ros.cli.application import output

    good = [record for record in records if not record.error]
    frames = sum(record.frames for record in good)
    table = Table(show_header=False, box=None)
    table.add_row('recordings', f'{len(good)} of {wanted}'
                  + (f', {kept} of them from an earlier run' if kept else ''))
    for record in records:
        if record.error:
            table.add_row('failed', record.name)
    if left := wanted - len(records):
        table.add_row('not tracked', str(left))
    table.add_row('frames', str(frames))
    if skipped := sum(record.skipped for record in good):
        table.add_row('left out', f'{skipped} image(s) that cannot be decoded')
    table.add_row('tracks', str(sum(record.ids for record in good)))
    table.add_row('time', f'{seconds:.1f} s')
    output.print(table)
    output.print(f' written    {folder}', soft_wrap=True, markup=False, highlight=False)
