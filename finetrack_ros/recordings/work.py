# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Track one recording from beginning to end: what each worker does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
from dataclasses import asdict, dataclass, field, replace
import hashlib
import json
from pathlib import Path
import tempfile
import time
from typing import Any, TYPE_CHECKING

from finetrack_ros.errors import FinetrackError, SourceError
from finetrack_ros.io import MotWriter, open_source
from finetrack_ros.io.seqinfo import DEFAULT_FPS
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.recordings.listing import file_system, fingerprint, Recording
from finetrack_ros.recordings.results import Record, Store, TrackTable
from finetrack_ros.tracking import TrackerConfig

if TYPE_CHECKING:
    from finetrack_ros.inference import FineTrackRunner

#: Called with the frames done so far, and with those of the whole recording or None.
Progress = Callable[[int, 'int | None'], None]


@dataclass(frozen=True)
class Job:
    """
    Everything that the tracks of a run depend on.

    :ivar model, engine, device: as for ``load_model``; ``options`` are its further settings.
    :ivar tracker: the tracker's settings.
    :ivar fps: frame rate of plain image folders.
    :ivar topic: image topic of bags; None where each has only one.
    :ivar strict: whether an image that cannot be decoded ends a recording.
    :ivar embeddings: whether the last embedding of each track is kept.
    :ivar max_frames: images of each recording; None takes all.
    """

    model: str = 'finetrack_nano'
    engine: str = 'auto'
    device: str = 'auto'
    options: dict[str, Any] = field(default_factory=dict)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    fps: float = DEFAULT_FPS
    topic: str | None = None
    strict: bool = False
    embeddings: bool = False
    max_frames: int | None = None

    def digest(self) -> str:
        """Return what changes with any setting, or with the model's files."""
        from finetrack_ros.inference.cache import file_digest
        from finetrack_ros.inference.loading import GRAPHS, model_folder

        graphs = [file_digest(model_folder(self.model) / name) for name in GRAPHS]
        settings = {**asdict(self), 'model': graphs}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def load(self, threads: int) -> FineTrackRunner:
        """Load the model for so many CPU threads."""
        from finetrack_ros.inference import load_model

        return load_model(self.model, engine=self.engine, device=self.device, threads=threads,
                          **self.options)


def track_recording(recording: Recording, job: Job, runner: FineTrackRunner, store: Store,
                    digest: str, progress: Progress = lambda done, length: None) -> Record:
    """
    Track one recording and store what comes out.

    :param digest: the job's.
    :param progress: called after each frame.
    :return: the record; what is wrong with the recording stands in it.
    :raises SourceError: where the results cannot be written.
    """
    start = time.perf_counter()
    record = Record(recording.name, recording.source, '', digest)
    files: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix='finetrack-') as folder:
        try:
            record = replace(record, fingerprint=fingerprint(recording))
            record, files = _track(recording, job, runner, Path(folder), record, progress)
        except FinetrackError as error:
            record = replace(record, error=str(error))
        record = replace(record, seconds=round(time.perf_counter() - start, 3))
        store.write(record, files)
    return record


def _track(recording: Recording, job: Job, runner: FineTrackRunner, folder: Path, record: Record,
           progress: Progress) -> tuple[Record, dict[str, Path]]:
    """Return the completed record, and the local files by their names in the store."""
    pipeline, ids, frames = Pipeline(runner, job.tracker), set(), 0
    text = folder / 'tracks.txt'
    with ExitStack() as stack:
        path = stack.enter_context(_local(recording, folder))
        source = stack.enter_context(open_source(path, job.fps, job.topic, job.strict))
        lines = stack.enter_context(MotWriter(text))
        table = TrackTable(folder, tuple(runner.class_names))
        stack.callback(table.close)
        length = source.length
        if job.max_frames is not None:
            length = min(job.max_frames, length or job.max_frames)
        for frame in source:
            tracks = pipeline.step(frame.image, frame.stamp)
            lines.write(frame.index, tracks)
            table.add(frame.index, frame.stamp, tracks)
            ids.update(tracks.ids.tolist())
            frames += 1
            progress(frames, length)
            if frames == job.max_frames:
                break
        skipped = source.skipped
    files = {f'text/{recording.name}.txt': text,
             f'tracks/recording={recording.name}/part-0.parquet': table.path}
    if job.embeddings and (vectors := table.embeddings()) is not None:
        files[f'embeddings/recording={recording.name}/part-0.parquet'] = vectors
    return replace(record, frames=frames, skipped=skipped, ids=len(ids)), files


@contextmanager
def _local(recording: Recording, folder: Path) -> Iterator[str]:
    """Give the path of a recording on this machine, fetched where it is elsewhere."""
    if not recording.is_url:
        yield recording.source
        return
    system, path = file_system(recording.source)
    target = folder / 'source' / (path.rstrip('/').rpartition('/')[2] or 'recording')
    target.parent.mkdir()
    try:
        system.get(path, str(target), recursive=system.isdir(path))
    # Each kind of storage has errors of its own.
    except Exception as error:
        raise SourceError(f"Recording '{recording.source}' cannot be fetched ({error}). Check its "
                          'name, and that you may read it.') from error
    yield str(target)
