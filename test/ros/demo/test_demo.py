# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demo as its user runs it: real clip, real model, three processes."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import cv2
import pytest

from finetrack_ros.io import read_mot

pytestmark = pytest.mark.ros

DEMO = [sys.executable, '-m', 'finetrack_ros.ros.demo']


def run_demo(domain, *arguments, timeout=240):
    return subprocess.run(
        [*DEMO, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
        check=False, env={**os.environ, 'ROS_DOMAIN_ID': str(domain)})


def children_of(pid):
    return [int(p) for p in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


@pytest.fixture
def domain(own_bench):
    """Return a ROS domain that no other test uses."""
    return own_bench.domain


def test_demo_writes_video_and_text_with_ids(domain, shared_data, tmp_path):
    sequence = tmp_path / "somebody's clip"
    sequence.symlink_to(shared_data / 'mot' / 'TUD-Campus')
    result = run_demo(domain, '--video', sequence, '--max-frames', 30, '--output', tmp_path)
    assert result.returncode == 0, result.stderr
    rows = read_mot(tmp_path / 'tracks.txt')
    video = cv2.VideoCapture(str(tmp_path / 'tracks.mp4'))
    frames = sum(1 for _ in iter(video.grab, False))
    assert '30 played' in result.stdout
    assert frames == 30
    assert rows.frames[0] == 1
    assert rows.frames.max() <= 30
    assert len(set(rows.ids)) >= 3


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--video', 'missing.mp4'], 'missing.mp4'),
    (['--video', 'SEQUENCE', '--model', 'nonexistent'], 'tracker_node failed: '),
])
def test_failure_is_one_clear_message(domain, shared_data, tmp_path, arguments, message):
    video = str(shared_data / 'mot' / 'TUD-Campus')
    arguments = [video if a == 'SEQUENCE' else a for a in arguments]
    result = run_demo(domain, *arguments, '--output', tmp_path)
    assert result.returncode == 1
    assert message in result.stderr
    assert 'Traceback' not in result.stderr


@pytest.mark.parametrize('end', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_the_demo(domain, shared_data, tmp_path, end):
    demo = subprocess.Popen(
        [*DEMO, '--video', shared_data / 'mot' / 'TUD-Campus', '--output', tmp_path],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)})
    deadline = time.monotonic() + 30
    while len(children_of(demo.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    children = children_of(demo.pid)
    demo.send_signal(end)
    demo.wait(30)
    while any(Path(f'/proc/{pid}').exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children) == 2
    assert not [pid for pid in children if Path(f'/proc/{pid}').exists()]
    assert 'Traceback' not in demo.stderr.read()
