# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The set-up names what a machine lacks, in one sentence with the remedy."""

import importlib
import os
from pathlib import Path
import subprocess
import sys

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run(script: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the programs in the folder ``path`` alone."""
    return subprocess.run(
        ['/bin/sh', str(TOOLS / script)], env={'PATH': str(path), **variables},
        capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def programs(tmp_path):
    """Return a function that makes a folder of links to the programs named."""
    def make(*names: str) -> Path:
        for name in names:
            found = next(p for p in map(Path, ['/bin', '/usr/bin']) if (p / name).exists())
            (tmp_path / name).symlink_to(found / name)
        return tmp_path
    return make


@pytest.mark.parametrize(('requirement', 'present'), [
    ('numpy>=1.26', True), ('numpy>=99', False), ('no-such-library', False), ('numpy', True)])
def test_libraries_are_asked_for_in_their_version(monkeypatch, requirement, present):
    monkeypatch.syspath_prepend(str(TOOLS))
    setup_env = importlib.import_module('setup_env')
    monkeypatch.setattr(setup_env, 'VENV_PYTHON', sys.executable)
    assert setup_env.Setup(None).present(requirement) is present


def test_no_python(programs):
    result = run('setup.sh', programs('dirname'))
    assert result.returncode == 1
    assert 'no Python 3.10 to 3.13 found' in result.stderr
    assert 'make setup PYTHON=' in result.stderr


def test_unsuitable_python(programs):
    result = run('setup.sh', programs('dirname'), PYTHON='/bin/false')
    assert result.returncode == 1
    assert 'PYTHON=/bin/false is not a Python 3.10 to 3.13' in result.stderr


def test_no_compiler(programs):
    result = run('setup.sh', programs('dirname'), PYTHON=sys.executable)
    assert result.returncode == 1
    assert result.stderr == 'setup: no C++ compiler found; remedy: sudo apt install g++\n'


def test_no_cmake(programs):
    folder = programs('dirname')
    result = run('setup.sh', folder, PYTHON=sys.executable, CXX='/bin/true')
    assert result.returncode == 1
    assert result.stderr == 'setup: no CMake found; remedy: sudo apt install cmake\n'


def test_clip_is_kept(programs, tmp_path):
    clip = tmp_path / 'cache' / 'finetrack_ros' / 'vtest.avi'
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b'video')
    result = run('fetch_clip.sh', programs(), XDG_CACHE_HOME=str(tmp_path / 'cache'))
    assert (result.returncode, result.stdout) == (0, f'{clip}\n')


@pytest.mark.skipif(os.path.exists('/usr/share/doc/opencv-doc/examples/data/vtest.avi'),
                    reason='the clip is installed on this machine')
def test_clip_cannot_be_had(programs, tmp_path):
    result = run('fetch_clip.sh', programs('mktemp', 'rm'), HOME=str(tmp_path))
    assert result.returncode == 1
    assert 'there is no apt-get here' in result.stderr
    assert 'make demo VIDEO=clip.mp4' in result.stderr
