# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written about parameters is what the table says."""

from dataclasses import fields
import re

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.config.node_config import SECTIONS
from finetrack_ros.ros.config.parameter_file import (
    parameter_file,
    parameter_page,
    write_files,
)
from finetrack_ros.ros.config.parameters import PARAMETERS, ParameterSpec

pytestmark = pytest.mark.ros

SPECS = {spec.name: spec for spec in PARAMETERS}
COMMAND = 'the table of parameters changed; run: python -m finetrack_ros.ros.config.parameter_file'


def rows(page):
    """Return the cells of each row of the page's tables, by the name in the first."""
    cells = [re.split(r'(?<!\\) *\| *', line)[1:-1] for line in page.splitlines()
             if line.startswith('| `')]
    return {row[0].strip('`'): row[1:] for row in cells}


def test_page_is_written_from_the_table(repository):
    shipped = repository / 'docs' / 'parameters.md'
    assert shipped.is_file() and shipped.read_text() == parameter_page(), COMMAND


def test_file_is_written_from_the_table(repository):
    assert (repository / 'config' / 'tracker.yaml').read_text() == parameter_file(), COMMAND


def test_page_has_one_full_row_for_each_parameter():
    table = rows(parameter_page())
    assert sorted(table) == sorted(SPECS)
    assert {len(row) for row in table.values()} == {5}
    assert {name for name, row in table.items() if row[3] == 'running'} == {
        name for name, spec in SPECS.items() if spec.runtime}


def test_row_says_type_default_and_range():
    spec = ParameterSpec('max_age', 0.5, 'A | bar, <image topic>', 0.0, 3600.0, runtime=True)
    row = rows(parameter_page([spec]))['max_age']
    assert row == ['double', '`0.5`', '0 to 3600', 'running', r'A \| bar, \<image topic>']


def test_row_says_choices_and_that_it_cannot_change():
    spec = ParameterSpec('detector', 'raw', 'Meaning', choices=('raw', 'fine'))
    assert rows(parameter_page([spec]))['detector'] == [
        'string', '`raw`', '`raw`, `fine`', 'unconfigured', 'Meaning']


def test_headings_name_present_parameters_once():
    named = [field.name for _, section in SECTIONS.values() for field in fields(section)]
    assert set(named) <= set(SPECS)
    assert len(named) == len(set(named))


def test_files_are_written_below_the_root(tmp_path):
    (tmp_path / 'package.xml').touch()
    for folder in ('config', 'docs'):
        (tmp_path / folder).mkdir()
    file, page = write_files(tmp_path)
    assert (file.read_text(), page.read_text()) == (parameter_file(), parameter_page())


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r'holds no package\.xml'):
        write_files(tmp_path)
