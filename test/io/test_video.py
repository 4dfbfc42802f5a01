# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import cv2
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.io import VideoWriter
from finetrack_ros.io.video import CODECS

# A file that may not grow behaves as on a full disk.
WRITE = """
import resource, signal, sys
import numpy as np
from finetrack_ros.io import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0)
with VideoWriter(sys.argv[1], 10) as writer:
    for _ in range(60):
        writer.write(noise.integers(0, 255, (120, 160, 3), dtype=np.uint8))
"""


@pytest.mark.parametrize('suffix', CODECS)
def test_full_disk_is_told(tmp_path, suffix):
    path = tmp_path / f'clip{suffix}'
    run = subprocess.run([sys.executable, '-c', WRITE, path], capture_output=True, text=True)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert f"SourceError: Video '{path}' is not whole: it holds " in last
    assert 'of 60 frames. Is the disk full?' in last


@pytest.mark.parametrize('suffix', CODECS)
@pytest.mark.parametrize(('fps', 'frames'), [(0.5, 3), (7.5, 1), (29.97, 31), (120.0, 200)])
def test_whole_video_is_accepted(tmp_path, suffix, fps, frames):
    path = tmp_path / f'clip{suffix}'
    with VideoWriter(path, fps) as writer:
        for number in range(frames):
            writer.write(np.full((48, 64, 3), number, np.uint8))
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) == frames


def test_error_that_is_on_its_way_comes_first(tmp_path, caplog):
    def write():
        with VideoWriter(tmp_path / 'clip.avi', 10) as writer:
            writer.write(np.zeros((48, 64, 3), np.uint8))
            (tmp_path / 'clip.avi').unlink()
            raise ValueError('mine')
    with pytest.raises(ValueError, match='mine'):
        write()
    assert 'is not whole: it holds 0 of 1 frames' in caplog.text


def test_file_that_vanished_is_told(tmp_path):
    writer = VideoWriter(tmp_path / 'clip.avi', 10)
    writer.write(np.zeros((48, 64, 3), np.uint8))
    (tmp_path / 'clip.avi').unlink()
    with pytest.raises(SourceError, match='is not whole'):
        writer.close()
