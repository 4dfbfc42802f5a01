# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack batch`` as its users run it: in processes of its own, on Ray."""

import json
import re
import subprocess
import sys
import time
from zipfile import ZipFile

import pytest

pytest.importorskip('ray', reason='needs the extra batch')
dataset = pytest.importorskip('pyarrow.dataset', reason='needs the extra batch')

pytestmark = pytest.mark.slow

DEADLINE = 180.0

# Workers that end as by the kernel's hand when memory is short. Defined in a program of their own,
# so that Ray sends them by value.
MORTAL = """
import os, sys
from pathlib import Path
from finetrack_ros.recordings import pool
from finetrack_ros.recordings.listing import Recording
from finetrack_ros.recordings.results import Record

class Mortal:
    def __init__(self, *_):
        pass

    def track(self, recording):
        if recording.name == 'always' or not Path(recording.source).exists():
            Path(recording.source).touch()
            os._exit(1)
        return Record(recording.name, recording.source, '', 'digest', frames=3)

    def progress(self):
        return 0, None

pool.Worker = Mortal
recordings = [Recording(name, sys.argv[1]) for name in ('once', 'always')]
with pool.started(pool.Pool(1)) as count:
    for update in pool.run(recordings, None, '', 'digest', pool.Pool(1), count):
        if update.record is not None:
            print(f"{update.record.name}: {update.record.error or '3 frames'}")
"""


def command(*arguments):
    return [sys.executable, '-m', 'finetrack_ros.cli', 'batch', *map(str, arguments),
            '--no-progress']


def batch(*arguments):
    """Return the exit code, standard output and errors of a run."""
    run = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=DEADLINE)
    return run.returncode, run.stdout, run.stderr


def record(folder, name):
    return json.loads((folder / 'records' / f'{name}.json').read_text())


def written(folder):
    """Return when each of the results was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*') if path.is_file()}


def wait(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f'{what}: not within {DEADLINE} s'
        time.sleep(0.05)


def test_damaged_recording_is_reported_and_the_rest_goes_on(tmp_path, make_video):
    for number in (1, 2, 10):
        make_video(tmp_path / f'{number}.avi', frames=number + 2)
    (tmp_path / '3.avi').write_text('no video')
    with ZipFile(tmp_path / 'more.zip', 'w') as archive:
        archive.write(tmp_path / '2.avi', 'far.avi')
    out = tmp_path / 'out'
    arguments = (f'{tmp_path}/*.avi', f'zip://far.avi::file://{tmp_path}/more.zip', '--output',
                 out, '--workers', 2)
    code, text, errors = batch(*arguments)
    assert code == 1, errors
    assert '4 of 5' in text and re.search(r'failed +3\.avi', text)
    assert "3.avi' cannot be decoded" in errors
    assert [record(out, f'{name}.avi')['frames'] for name in (1, 2, 3, 10, 'far')] == [
        3, 4, 0, 12, 4]
    table = dataset.dataset(out / 'tracks', partitioning='hive').to_table()
    assert {'recording', 'frame', 'id', 'class'} <= set(table.column_names)
    assert sorted(path.name for path in (out / 'text').iterdir()) == [
        '1.avi.txt', '10.avi.txt', '2.avi.txt', 'far.avi.txt']

    make_video(tmp_path / '3.avi', frames=6)
    before = written(out)
    code, text, errors = batch(*arguments)
    assert code == 0, errors
    assert '5 of 5, 4 of them from an earlier run' in text
    after = written(out)
    assert {path.name for path in after if after[path] != before.get(path)} == {
        '3.avi.json', '3.avi.txt', 'part-0.parquet'}
    assert [path.parent.name for path in after if path.suffix == '.parquet'
            and after[path] != before.get(path)] == ['recording=3.avi']


def test_killed_run_goes_on_where_it_was(tmp_path, make_video):
    for number in range(4):
        make_video(tmp_path / f'{number}.avi', frames=60)
    out = tmp_path / 'out'
    arguments = (f'{tmp_path}/*.avi', '-o', out, '--workers', 1)
    run = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    wait(lambda: list(out.glob('records/*.json')), 'the first record')
    run.kill()
    run.wait()
    # The worker ends with its driver, at once or after the recording that it had begun.
    first = next(out.glob('records/*.json'))
    stamp = first.stat().st_mtime_ns
    code, text, errors = batch(*arguments)
    assert code == 0, errors
    assert '4 of 4, ' in text
    assert first.stat().st_mtime_ns == stamp


def test_worker_that_dies_is_replaced_once(tmp_path):
    run = subprocess.run([sys.executable, '-c', MORTAL, tmp_path / 'marker'], capture_output=True,
                         text=True, timeout=DEADLINE)
    assert run.returncode == 0, run.stderr
    # Ray has its own words about it.
    told = [line for line in run.stdout.splitlines() if line.startswith(('once', 'always'))]
    assert told == [
        'once: 3 frames', 'always: its worker died twice; it may need more memory than there is: '
        'use fewer workers']


@pytest.mark.parametrize(('arguments', 'problem'), [
    (['--classes', 'dragon'], "A worker cannot start: class 'dragon' is unknown"),
    (['--gpus-per-worker', '64'], 'enough for 0 workers of 1 CPUs and 64 GPUs'),
    (['--model', 'nowhere'], "model 'nowhere': no such model")])
def test_what_cannot_start_ends_with_one_sentence(tmp_path, make_video, arguments, problem):
    make_video(tmp_path / 'clip.avi')
    code, _, errors = batch(tmp_path / 'clip.avi', '-o', tmp_path / 'out', *arguments)
    assert code == 2, errors
    assert problem in errors
    assert 'Traceback' not in errors


def test_two_machines_share_the_work(tmp_path, make_video):
    """Two Ray nodes on loopback, as far as one machine can show it."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={
        'num_cpus': 1, 'include_dashboard': False})
    try:
        cluster.add_node(num_cpus=1)
        for number in range(4):
            make_video(tmp_path / f'{number}.avi', frames=60)
        code, text, errors = batch(f'{tmp_path}/*.avi', '-o', tmp_path / 'out', '--address',
                                   cluster.address)
    finally:
        cluster.shutdown()
    assert code == 0, errors
    assert '4 recordings, 2 workers' in errors
    assert '4 of 4' in text
