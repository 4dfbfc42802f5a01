# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pages outside of the site lead where they say; `make docs` checks those within."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / '.github').rglob('*.md'),
                *(ROOT / 'finetrack_ros' / 'weights').glob('*/*.md')])
SHOWN = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
LINK = re.compile(r'\]\((?!\w+:|#)([^)#\s]+)')
MOST_BYTES = 3_000_000


def is_here(module: str) -> bool:
    """Say whether an example's module can be imported: not all of ROS is everywhere."""
    return find_spec(module.split('.')[0]) is not None and (
        not module.startswith('finetrack_ros.ros') or find_spec('rclpy') is not None)


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_readme_is_short():
    assert len((ROOT / 'README.md').read_text().splitlines()) < 120


def test_readme_shows_a_picture_that_loads_fast():
    pictures = re.findall(r'!\[.+?\]\((.+?)\)', (ROOT / 'README.md').read_text())
    assert pictures
    assert all((ROOT / name).stat().st_size < MOST_BYTES for name in pictures)


def test_every_page_of_the_site_is_in_its_menu():
    menu = set(re.findall(r': (\S+\.md)$', (ROOT / 'mkdocs.yml').read_text(), re.MULTILINE))
    assert menu == {path.name for path in (ROOT / 'docs').glob('*.md')}


@pytest.mark.parametrize('page', SHOWN, ids=lambda path: path.name)
def test_names_that_examples_import_exist(page):
    for block in re.findall(r'^```python\n(.+?)^```', page.read_text(), re.DOTALL | re.MULTILINE):
        for node in ast.walk(ast.parse(block)):
            if not isinstance(node, ast.ImportFrom) or not is_here(str(node.module)):
                continue
            module = import_module(str(node.module))
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
