# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The examples of the page on extending are short, and run as they stand."""

from importlib.util import find_spec
from pathlib import Path
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
EXAMPLES = dict(re.findall(r'^## (.+?)\n.*?^```python\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL))
WITHOUT_ROS = [name for name in EXAMPLES if 'std_msgs' not in EXAMPLES[name]]


def test_each_part_has_its_example():
    assert {'A detector', 'An embedder', 'An engine', 'An association cost', 'A data set',
            'An output'} <= set(EXAMPLES)


@pytest.mark.parametrize('name', EXAMPLES)
def test_it_is_short(name):
    assert len(EXAMPLES[name].splitlines()) < 40


@pytest.mark.parametrize('name', WITHOUT_ROS)
def test_it_runs(name, tmp_path):
    # In a file and a process of its own, as a user would have it; a reader stays registered.
    path = tmp_path / 'example.py'
    path.write_text(EXAMPLES[name])
    program = 'import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2])'
    result = subprocess.run([sys.executable, '-c', program, ROOT, path], capture_output=True,
                            text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.ros
@pytest.mark.skipif(not (find_spec('rclpy') and find_spec('finetrack_ros.msg')),
                    reason='needs ROS 2 and the built messages')
def test_the_output_publishes_how_many_tracks_there_are():
    sent = []
    publisher = SimpleNamespace(publish=sent.append, get_subscription_count=lambda: 1)
    node = SimpleNamespace(create_lifecycle_publisher=lambda *_, **__: publisher)
    names = {}
    exec(EXAMPLES['An output'], names)
    output = names['CountOutput'](node, '')
    assert output.wanted()
    output.publish(SimpleNamespace(tracks=[1, 2, 3]))
    assert [msg.data for msg in sent] == [3]
