# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every source file."""

from pathlib import Path
import subprocess

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = ['Copyright 2026 The finetrack_ros authors', 'SPDX-License-Identifier: Apache-2.0']
CODE = {'.py', '.sh', '.in', '.xml', '.toml'}
NAMES = {'CMakeLists.txt', 'Makefile', 'run'}


def tracked() -> list[Path]:
    try:
        output = subprocess.run(
            ['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
            check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    paths = (ROOT / line for line in output.splitlines())
    return [p for p in paths if p.is_file() and (p.suffix in CODE or p.name in NAMES)]


FILES = tracked()
by_path = pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))


@by_path
def test_names_its_licence(path):
    head = path.read_text().splitlines()[:6]
    start = next((i for i, line in enumerate(head) if HEADER[0] in line), None)
    assert start is not None, f'{path} does not name its copyright in its first lines'
    assert HEADER[1] in head[start + 1]


@by_path
def test_is_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) < 400
