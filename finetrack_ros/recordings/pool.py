# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pool of workers on Ray, on this machine or on a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import os
import re
from typing import Any

# Ray would tell its makers of each use.
os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')

import ray  # noqa: E402
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError  # noqa: E402

from finetrack_ros.errors import ConfigError, FinetrackError  # noqa: E402
from finetrack_ros.recordings.listing import Recording  # noqa: E402
from finetrack_ros.recordings.results import Record, Store  # noqa: E402
from finetrack_ros.recordings.work import Job, track_recording  # noqa: E402

# A worker that dies over a recording may have died of its neighbours: it gets one more try.
TRIES = 2
_POLL = 0.5


@dataclass(frozen=True)
class Pool:
    """
    How many workers, and what each takes.

    :ivar workers: 0 takes as many as there are CPUs for.
    :ivar cpus, gpus: of each worker; GPUs may be shared by fractions.
    :ivar address: of a Ray cluster (``auto``, ``HOST:6379``, ``ray://HOST:10001``); None starts
        Ray on this machine for the time of the run.
    """

    workers: int = 0
    cpus: int = 1
    gpus: float = 0.0
    address: str | None = None


@dataclass(frozen=True)
class Update:
    """
    What is new of one recording.

    :ivar done, length: frames tracked so far, and in all (None where unknown).
    :ivar record: set at its end.
    """

    recording: Recording
    done: int
    length: int | None
    record: Record | None = None


class Worker:
    """Holds the model, and tracks one recording after the other; an actor of Ray."""

    def __init__(self, job: Job, root: str, digest: str, threads: int) -> None:
        """Load the model."""
        self._job, self._digest = job, digest
        self._store = Store(root)
        self._runner = job.load(threads)
        self._progress: tuple[int, int | None] = (0, None)

    def track(self, recording: Recording) -> Record:
        """Track a recording."""
        self._set_progress(0, None)
        return track_recording(recording, self._job, self._runner, self._store, self._digest,
                               self._set_progress)

    def _set_progress(self, done: int, length: int | None) -> None:
        self._progress = done, length

    def progress(self) -> tuple[int, int | None]:
        """Return the frames of the present recording so far, and in all; from a thread beside."""
        return self._progress


@contextmanager
def started(pool: Pool) -> Iterator[int]:
    """
    Connect to Ray while the context lasts.

    :return: the number of workers that there is room for, or that were asked for.
    :raises ConfigError: where there is no such cluster, or not room for one worker.
    """
    local = {} if pool.address else {
        'include_dashboard': False, 'num_cpus': max(len(os.sched_getaffinity(0)),
                                                    pool.workers * pool.cpus)}
    try:
        ray.init(address=pool.address or 'local', log_to_driver=False, logging_level='ERROR',
                 **local)
    # Ray's errors over an address have no common base.
    except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise ConfigError(f"Ray does not start at {pool.address or 'this machine'} ({error}). "
                          'Give the address of a running cluster, or none.') from error
    try:
        room = ray.cluster_resources()
        fits = int(room.get('CPU', 0) // pool.cpus)
        if pool.gpus:
            fits = min(fits, int(room.get('GPU', 0) / pool.gpus + 1e-6))
        if fits < max(pool.workers, 1):
            raise ConfigError(
                f'Ray has {room.get("CPU", 0):g} CPUs and {room.get("GPU", 0):g} GPUs, which are '
                f'enough for {fits} workers of {pool.cpus} CPUs and {pool.gpus:g} GPUs. Ask for '
                'fewer workers, or for less for each.')
        yield pool.workers or fits
    finally:
        ray.shutdown()


def run(recordings: Sequence[Recording], job: Job, root: str, digest: str, pool: Pool,
        workers: int) -> Iterator[Update]:
    """
    Track recordings on a started Ray; yield what is new about twice a second.

    :param root: of the store.
    :param digest: the job's.
    :raises FinetrackError: where no worker can load the model or write results.
    """
    # Progress is asked for while a recording is tracked: two threads.
    make = ray.remote(Worker).options(num_cpus=pool.cpus, num_gpus=pool.gpus, max_concurrency=2)

    def hire() -> Any:
        return make.remote(job, root, digest, pool.cpus)

    waiting = deque((recording, 1) for recording in recordings)
    idle = [hire() for _ in range(min(workers, len(recordings)))]
    busy: dict[Any, tuple[Any, Recording, int]] = {}
    while waiting or busy:
        while waiting and idle:
            recording, turn = waiting.popleft()
            actor = idle.pop()
            busy[actor.track.remote(recording)] = actor, recording, turn
        done, _ = ray.wait(list(busy), timeout=_POLL)
        for task in done:
            actor, recording, turn = busy.pop(task)
            record = _result(task, recording, digest)
            if record is not None:
                idle.append(actor)
            else:
                idle.append(hire())
                if turn < TRIES:
                    waiting.append((recording, turn + 1))
                    continue
                record = Record(recording.name, recording.source, '', digest, error=(
                    'its worker died twice; it may need more memory than there is: use fewer '
                    'workers'))
            yield Update(recording, record.frames, record.frames, record)
        yield from _progress(busy)


def _result(task: Any, recording: Recording, digest: str) -> Record | None:
    """Return what a worker says at the end; None where it died."""
    try:
        record: Record = ray.get(task)
        return record
    except RayActorError as error:
        # Where the model did not load, no other worker would fare better.
        if 'creation task' in str(error):
            raise ConfigError(f'A worker cannot start: {_last_line(error)}') from error
        return None
    except RayTaskError as error:
        # What is wrong with a recording stands in its record; this is about the results.
        if isinstance(error.cause, FinetrackError):
            raise error.cause from error
        return Record(recording.name, recording.source, '', digest, error=_last_line(error))


def _last_line(error: Exception) -> str:
    """Return what Ray quotes of a worker's error, without the name of ours."""
    line = str(error).strip().splitlines()[-1].strip()
    return re.sub(r'^finetrack_ros\.errors\.\w+: ', '', line)


def _progress(busy: dict[Any, tuple[Any, Recording, int]]) -> Iterator[Update]:
    asked = [(recording, actor.progress.remote()) for actor, recording, _ in busy.values()]
    for recording, answer in asked:
        try:
            done, length = ray.get(answer, timeout=_POLL)
        # It is loading its model, or has died, which its task tells.
        except (GetTimeoutError, RayError):
            continue
        yield Update(recording, done, length)
