# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in the README can be typed as they stand."""

from pathlib import Path
import re
import shlex

import pytest
from typer.main import get_command

from finetrack_ros.cli import app

README = (Path(__file__).resolve().parents[2] / 'README.md').read_text()
# Commands stand in blocks of code, some behind another one.
LINES = [match[1] for block in re.findall(r'^```\n(.+?)^```', README, re.DOTALL | re.MULTILINE)
         for match in re.finditer(r'(?:^|&& )finetrack (.+)$', block, re.MULTILINE)]


def test_every_command_is_shown():
    assert {line.split()[0] for line in LINES} == set(get_command(app).commands)


@pytest.mark.parametrize('line', LINES)
def test_command_has_the_options(line):
    name, *words = shlex.split(line, comments=True)
    known = {option for parameter in get_command(app).commands[name].params
             for option in parameter.opts}
    assert {word for word in words if word.startswith('--')} <= known
