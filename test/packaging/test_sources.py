# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every source file."""

from pathlib import Path
import subprocess

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPYRIGHT = 'Copyright 2026 The finetrack_ros authors'
LICENCE = 'SPDX-License-Identifier: Apache-2.0'
CODE = {'.in', '.py', '.sh', '.toml', '.xml'}
NAMES = {'CMakeLists.txt', 'Makefile', 'run'}


@pytest.fixture(scope='module')
def sources():
    """Return the lines of every source file by its path, ignored files left out."""
    result = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=ROOT,
        capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip('this source tree is no git checkout')
    paths = [ROOT / name for name in result.stdout.splitlines()]
    return {str(p.relative_to(ROOT)): p.read_text().splitlines() for p in paths
            if p.is_file() and (p.suffix in CODE or p.name in NAMES)}


def test_each_names_copyright_and_licence(sources):
    def names_both(lines):
        first = next((i for i, line in enumerate(lines[:5]) if COPYRIGHT in line), None)
        return first is not None and LICENCE in lines[first + 1]

    assert [path for path, lines in sources.items() if not names_both(lines)] == []


def test_each_is_short_enough_to_read(sources):
    assert {path: len(lines) for path, lines in sources.items() if len(lines) >= 400} == {}
