# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The preset sets the tracker's parameters, at the start and later, except those given."""

import pytest
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter, parameter_value_to_python

from finetrack_ros.cli.tracker_config import read_tracker_config
from finetrack_ros.errors import ConfigError
from finetrack_ros.ros import TrackerNode
from finetrack_ros.ros.config.node_config import PRESET
from finetrack_ros.ros.config.settings import preset_values, with_preset
from finetrack_ros.tracking.presets import preset_names

pytestmark = pytest.mark.ros

DANCE, MOT, DEFAULT = (preset_values(name) for name in ('dance', 'mot', 'default'))
BIRTH, MEMORY = 'tracker.birth_score', 'tracker.memory_seconds'


def make_node(bench, **values):
    overrides = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
    return TrackerNode(context=bench.context,
                       parameter_overrides=[*overrides, Parameter('autostart', value=False)])


def values_of(node, *names):
    return [node.get_parameter(name).value for name in names]


def test_preset_counts_at_the_start(own_bench):
    node = make_node(own_bench, tracker__preset='dance')
    names = list(DANCE)
    assert values_of(node, *names) == [DANCE[name] for name in names]
    node.destroy_node()


def test_given_value_wins_over_the_preset(own_bench):
    node = make_node(own_bench, tracker__preset='dance', tracker__birth_score=0.65)
    assert values_of(node, BIRTH, MEMORY) == [0.65, DANCE[MEMORY]]
    assert node.set_parameters([Parameter(PRESET, value='mot')])[0].successful
    assert values_of(node, BIRTH, MEMORY) == [0.65, MOT[MEMORY]]
    node.destroy_node()


def test_new_preset_names_the_values_that_it_does_not_change(own_bench):
    node = make_node(own_bench, tracker__birth_score=0.65)
    result = node.set_parameters([Parameter(PRESET, value='mot')])[0]
    assert (result.successful, result.reason) == (True, f'kept as you gave it: {BIRTH} 0.65')
    assert node.set_parameters([Parameter(BIRTH, value=0.66)])[0].reason == ''
    node.destroy_node()


def test_value_set_later_wins_too_and_the_others_follow(own_bench):
    node = make_node(own_bench, tracker__preset='default')
    assert node.set_parameters([Parameter(MEMORY, value=5.0)])[0].successful
    assert node.set_parameters([Parameter(PRESET, value='dance')])[0].successful
    assert values_of(node, BIRTH, MEMORY) == [DANCE[BIRTH], 5.0]
    assert node.set_parameters([Parameter(PRESET, value='default')])[0].successful
    assert values_of(node, BIRTH, MEMORY) == [DEFAULT[BIRTH], 5.0]
    node.destroy_node()


def test_unknown_preset_is_refused_at_the_start(own_bench):
    with pytest.raises(ConfigError, match='give one of dance, default, mot'):
        make_node(own_bench, tracker__preset='dancing')


@pytest.mark.parametrize('name', preset_names())
def test_preset_brings_every_parameter_of_the_tracker(name):
    changes = with_preset([Parameter(PRESET, value=name)], given=[])
    assert {change.name: change.value for change in changes} == {
        PRESET: name, **preset_values(name)}


def call_set(bench, service_type, **values):
    request = service_type.Request(parameters=[
        Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
        for name, value in values.items()])
    name = 'set_parameters' + ('_atomically' if service_type is SetParametersAtomically else '')
    return bench.call(service_type, f'/tracker/{name}', request)


def call_get(bench, *names):
    request = GetParameters.Request(names=list(names))
    response = bench.call(GetParameters, '/tracker/get_parameters', request)
    return [parameter_value_to_python(value) for value in response.values]


def test_one_call_switches_all_of_a_running_node(own_bench, make_camera):
    own_bench.start_tracker()
    camera = make_camera(own_bench)
    camera.track((10, 20))
    assert call_set(own_bench, SetParametersAtomically, tracker__preset='dance').result.successful
    assert call_get(own_bench, PRESET, BIRTH, MEMORY) == ['dance', DANCE[BIRTH], DANCE[MEMORY]]
    refused = call_set(own_bench, SetParametersAtomically, tracker__preset='default',
                       tracker__high_score=0.05).result
    assert 'low_score' in refused.reason
    assert call_get(own_bench, PRESET, BIRTH) == ['dance', DANCE[BIRTH]]
    each = call_set(own_bench, SetParameters, tracker__preset='mot', tracker__birth_score=0.95)
    assert [result.successful for result in each.results] == [True, True]
    assert call_get(own_bench, PRESET, MEMORY) == ['mot', MOT[MEMORY]]
    # The fake model's score is 0.9: no track is born any more.
    assert camera.track((200, 100)).detections == []


def test_shipped_file_starts_the_node_and_leaves_presets_free(own_bench, repository):
    process = own_bench.start(
        repository / 'test' / 'ros' / 'fake_tracker.py', '--ros-args', '--params-file',
        repository / 'config' / 'tracker.yaml', tracker__preset='dance')
    own_bench.wait(lambda: own_bench.node.count_subscribers('/image'), 'subscription')
    assert call_get(own_bench, 'cameras', BIRTH) == [[''], DANCE[BIRTH]]
    assert own_bench.stop(process) == 0


def test_command_line_reads_the_preset_of_a_parameter_file(tmp_path):
    path = tmp_path / 'my.yaml'
    path.write_text('/**:\n  ros__parameters:\n    tracker:\n      preset: dance\n'
                    '      birth_score: 0.65\n')
    config = read_tracker_config(path)
    assert (config.birth_score, config.birth_overlap) == (0.65, DANCE['tracker.birth_overlap'])
