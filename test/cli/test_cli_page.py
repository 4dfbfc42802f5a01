# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in the README and in the documentation can be typed as they stand."""

from pathlib import Path
import re
import shlex

import pytest
from typer.main import get_command

from finetrack_ros.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]


def commands(page: Path) -> list[str]:
    """Return what follows ``finetrack`` in the blocks of a page, some behind another command."""
    blocks = re.findall(r'^```(?:bash)?\n(.+?)^```', page.read_text(), re.DOTALL | re.MULTILINE)
    return [match[1] for block in blocks for match in re.finditer(
        r'(?:^|&& )finetrack (.+)$', block.replace('\\\n', ' '), re.MULTILINE)]


LINES = sorted({line for page in PAGES for line in commands(page)})


def test_every_command_is_shown():
    shown = {line.split()[0] for line in commands(ROOT / 'docs' / 'cli.md')}
    assert shown == set(get_command(app).commands)


@pytest.mark.parametrize('line', LINES)
def test_command_has_the_options(line):
    name, *words = shlex.split(line, comments=True)
    known = {option for parameter in get_command(app).commands[name].params
             for option in parameter.opts}
    assert {word for word in words if word.startswith('--')} <= known
