# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter files of ROS mean the same to the command line as to the node."""

import pytest
import yaml

from finetrack_ros.cli.tracker_config import read_tracker_config
from finetrack_ros.errors import ConfigError
from finetrack_ros.io.ros_parameters import holds_parameters, node_parameters

PARAMETERS = 'ros__parameters: {tracker: {high_score: 0.7}}'
FORMS = {
    'any node': f'/**: {{{PARAMETERS}}}',
    'by name': f'tracker: {{{PARAMETERS}}}',
    'by full name': f'/robot/tracker: {{{PARAMETERS}}}',
    'nested in any': f'/**: {{tracker: {{{PARAMETERS}}}}}',
    'nested in a namespace': f'/robot: {{front: {{tracker: {{{PARAMETERS}}}}}}}',
    'any in a namespace': f'robot: {{"*": {{{PARAMETERS}}}}}',
    'dotted': 'tracker: {ros__parameters: {tracker.high_score: 0.7}}',
    'several nodes': 'camera: {ros__parameters: {rate: 30.0}}\n'
                     f'tracker: {{{PARAMETERS}}}\nlidar: {{ros__parameters: {{}}}}',
    'several nodes in a namespace': '/robot: {camera: {ros__parameters: {rate: 30.0}}, '
                                    f'tracker: {{{PARAMETERS}}}}}',
    'another tracker': 'people: {ros__parameters: {tracker: {high_score: 0.7}}}\n'
                       'camera: {ros__parameters: {rate: 1}}',
    'common and own': '/**: {ros__parameters: {use_sim_time: true, tracker: {high_score: 0.3}}}\n'
                      f'tracker: {{{PARAMETERS}}}',
    'empty nodes': f'/**: {{ros__parameters: }}\ntracker: {{{PARAMETERS}}}',
    'others of a name': 'other: {ros__parameters: {tracker: {high_score: 0.2}}}\n'
                        f'tracker: {{{PARAMETERS}}}',
    'marked': f'\ufeff/**: {{{PARAMETERS}}}',
}


@pytest.mark.parametrize('form', FORMS)
def test_every_form_is_read(tmp_path, form):
    path = tmp_path / 'my.yaml'
    path.write_text(FORMS[form], encoding='utf-8')
    assert read_tracker_config(path).high_score == 0.7


@pytest.mark.parametrize(('text', 'problem'), [
    ('/a/tracker: {ros__parameters: {tracker: {high_score: 0.7}}}\n'
     '/b/tracker: {ros__parameters: {tracker: {high_score: 0.3}}}',
     'several trackers, /a/tracker, /b/tracker'),
    ('left: {ros__parameters: {tracker: {high_score: 0.7}}}\n'
     'right: {ros__parameters: {tracker: {high_score: 0.3}}}', 'several nodes, /left, /right'),
    ('/**: {ros__parameters: {tracker: {high_score: 0.7}}}\nhigh_score: 0.3', 'ros__parameters'),
    ('/**: {tracker: {ros__parameters: {tracker: {high_scor: 1}}}}', "did you mean 'high_score'"),
    ('/**: {ros__parameters: {tracker: {preset: danse}}}', "'danse': give one of"),
    ('/**: {ros__parameters: {tracker: {preset: [1]}}}', 'give one of')])
def test_what_cannot_be_meant_is_refused(tmp_path, text, problem):
    path = tmp_path / 'my.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_tracker_config(path)
    assert 'my.yaml' in str(caught.value)


def test_nodes_have_their_parameters_by_full_name():
    content = yaml.safe_load(
        '/**: {ros__parameters: {a: 1}, tracker: {ros__parameters: {b: {c: 2}, d.e: 3}}}')
    assert holds_parameters(content)
    assert node_parameters(content) == {'/**': {'a': 1}, '/**/tracker': {'b.c': 2, 'd.e': 3}}


@pytest.mark.parametrize('content', [
    None, [], {}, {'a': 1}, {'a': {}}, {'a': {'ros__parameters': [1]}},
    {'a': {'ros__parameters': {}}, 'b': {'c': 1}}])
def test_what_is_no_parameter_file_is_told(content):
    assert not holds_parameters(content)
