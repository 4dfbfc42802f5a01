# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page of what can go wrong is about messages that the code can say."""

import ast
from pathlib import Path

import pytest

from finetrack_ros.faults import FAULTS

ROOT = Path(__file__).resolve().parents[1]
DIAGNOSTICS = ['diagnostics/statuses.py', 'positions/depth_status.py']


def pattern(node: ast.AST) -> str:
    """Return a text of the source with … for each value put in; '' for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(pattern(part) or '…' for part in node.values)
    return ''


@pytest.fixture(scope='module')
def texts() -> list[str]:
    """Return all that the code can say."""
    sources = [path for folder in ('finetrack_ros', 'launch', 'tools')
               for path in (ROOT / folder).rglob('*.py') if path.name != 'faults.py']
    found = {pattern(node) for path in sources for node in ast.walk(ast.parse(path.read_text()))}
    return [*found, *(path.read_text() for path in (ROOT / 'tools').glob('*.sh'))]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.message)
def test_message_exists(fault, texts):
    assert any(fault.message in text for text in texts)


@pytest.mark.parametrize('file', DIAGNOSTICS)
def test_every_fault_of_the_diagnostics_is_explained(file):
    tree = ast.parse((ROOT / 'finetrack_ros' / 'ros' / file).read_text())
    said = {pattern(pair.elts[1]) for pair in ast.walk(tree)
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2
            and ast.unparse(pair.elts[0]).startswith(('WARN', 'ERROR', '_level('))} - {''}
    assert len(said) > 3
    assert {text for text in said if not any(fault.message in text for fault in FAULTS)} == set()


def test_each_is_told_once_and_in_full():
    assert len({fault.message for fault in FAULTS}) == len(FAULTS)
    assert all(all(fault) for fault in FAULTS)
