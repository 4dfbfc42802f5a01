# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the site takes from the code is all there, and links lead to where the site has files."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.main import get_command

from finetrack_ros.cli import app
from finetrack_ros.faults import FAULTS

pytest.importorskip('mkdocs', reason='the libraries for the documentation are not installed')

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def hooks(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module('docs_hooks')


def convert(hooks, markdown, source='page.md'):
    """Return a page's Markdown as the site has it."""
    return hooks.on_page_markdown(markdown, SimpleNamespace(file=SimpleNamespace(src_uri=source)))


@pytest.mark.parametrize(('source', 'link', 'expected'), [
    ('page.md', 'other.md', 'other.md'),
    ('page.md', 'figures/a.png', 'figures/a.png'),
    ('page.md', '../config/a.yaml', 'repository/config/a.yaml'),
    ('page.md', '../config/a.yaml#part', 'repository/config/a.yaml#part'),
    ('page.md', 'https://example.org/x', 'https://example.org/x'),
    ('page.md', '#part', '#part'),
    ('repository/weights/CARD.md', '../docs/page.md', '../../page.md'),
    ('repository/weights/CARD.md', 'curve.csv', 'curve.csv'),
])
def test_links_lead_to_where_files_are_in_the_site(hooks, source, link, expected):
    assert convert(hooks, f'[text]({link})', source) == f'[text]({expected})'


def test_reference_has_every_command_and_option(hooks):
    page = convert(hooks, hooks.COMMANDS)
    for name, command in get_command(app).commands.items():
        _, heading, section = page.partition(f'### finetrack {name}\n')
        assert heading
        section = section.partition('\n### ')[0]
        options = {option for parameter in command.params for option in parameter.opts
                   if option.startswith('--')}
        assert {option for option in options if f'`{option}`' not in section} == set()


def test_troubleshooting_has_every_fault(hooks):
    page = convert(hooks, hooks.FAULTS)
    assert [fault.message for fault in FAULTS if fault.message not in page] == []


def test_roles_of_sphinx_are_taken_out(hooks):
    html = 'a :class:<code>~finetrack_ros.detections.Detections</code>'
    assert hooks.on_page_content(html) == 'a <code>finetrack_ros.detections.Detections</code>'
