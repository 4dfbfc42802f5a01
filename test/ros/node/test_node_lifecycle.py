# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Transitions and run-time parameters."""


from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
import pytest
from rcl_interfaces.srv import DescribeParameters, SetParametersAtomically
from rclpy.parameter import Parameter

pytestmark = pytest.mark.ros


def change_state(bench, transition):
    request = ChangeState.Request(transition=Transition(id=transition))
    return bench.call(ChangeState, '/tracker/change_state', request).success


def state(bench):
    return bench.call(GetState, '/tracker/get_state', GetState.Request()).current_state.id


def set_parameters(bench, **values):
    messages = [
        Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
        for name, value in values.items()]
    request = SetParametersAtomically.Request(parameters=messages)
    return bench.call(
        SetParametersAtomically, '/tracker/set_parameters_atomically', request).result


@pytest.fixture(scope='module')
def managed(bench):
    """Return a bench with a node that waits for a lifecycle manager."""
    bench.start_tracker(autostart='false', reliability='reliable')
    bench.wait(lambda: bench.node.count_publishers('/diagnostics'), 'the node')
    return bench


def test_node_waits_for_its_manager(managed):
    assert state(managed) == State.PRIMARY_STATE_UNCONFIGURED
    assert managed.node.count_subscribers('/image') == 0


@pytest.mark.parametrize(('model', 'cause'), [
    ('missing', "model 'missing': no such model"),
    ('broken', 'ZeroDivisionError: a defect in a library')])
def test_failed_configuration_is_reported_and_can_be_repeated(managed, model, cause):
    assert set_parameters(managed, model=model).successful
    assert not change_state(managed, Transition.TRANSITION_CONFIGURE)
    assert state(managed) == State.PRIMARY_STATE_UNCONFIGURED
    status = managed.wait(
        lambda: (s := managed.status().get('model')) and cause in s.message and s, 'diagnostics')
    assert status.level == DiagnosticStatus.ERROR
    assert set_parameters(managed, model='squares').successful
    assert change_state(managed, Transition.TRANSITION_CONFIGURE)
    assert change_state(managed, Transition.TRANSITION_CLEANUP)


def test_subscription_lives_only_while_active(managed):
    assert change_state(managed, Transition.TRANSITION_CONFIGURE)
    assert managed.node.count_subscribers('/image') == 0
    assert change_state(managed, Transition.TRANSITION_ACTIVATE)
    managed.wait(lambda: managed.node.count_subscribers('/image') == 1, 'subscription')
    assert change_state(managed, Transition.TRANSITION_DEACTIVATE)
    managed.wait(lambda: managed.node.count_subscribers('/image') == 0, 'no subscription')
    assert change_state(managed, Transition.TRANSITION_CLEANUP)
    managed.wait(lambda: managed.node.count_publishers('/tracks') == 0, 'no publisher')


def test_node_tracks_again_after_a_whole_cycle(managed, make_camera):
    for _ in range(2):
        assert change_state(managed, Transition.TRANSITION_CONFIGURE)
        assert change_state(managed, Transition.TRANSITION_ACTIVATE)
        assert change_state(managed, Transition.TRANSITION_DEACTIVATE)
        assert change_state(managed, Transition.TRANSITION_CLEANUP)
    assert change_state(managed, Transition.TRANSITION_CONFIGURE)
    assert change_state(managed, Transition.TRANSITION_ACTIVATE)
    assert len(make_camera(managed).track((10, 20)).detections) == 1


@pytest.fixture(scope='module')
def running(bench, managed):
    """Return the bench with the node in the state active, whatever it was before."""
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        change_state(managed, transition)
    assert state(bench) == State.PRIMARY_STATE_ACTIVE
    return bench


def test_threshold_changes_while_running(running, make_camera):
    camera = make_camera(running)
    assert len(camera.track((10, 20)).detections) == 1
    assert set_parameters(running, score_threshold=0.95).successful
    assert camera.track((10, 20)).detections == []
    assert set_parameters(running, score_threshold=0.1).successful
    assert len(camera.track((10, 20)).detections) == 1


@pytest.mark.parametrize(('changes', 'reason'), [
    ({'tracker__high_score': 0.05}, 'low_score'),
    ({'tracker__high_score': 1.5}, 'out of range'),
    ({'tracker__high_score': 1}, 'type'),
    ({'model': 'other'}, 'cannot change while the node is configured'),
    ({'class_id': 'nothing'}, 'give one of name, index'),
])
def test_refused_change_has_a_reason_and_changes_nothing(running, changes, reason):
    result = set_parameters(running, tracker__birth_score=0.5, **changes)
    again = set_parameters(running, tracker__high_score=0.6)
    assert not result.successful
    assert reason in result.reason
    assert again.successful


def test_parameter_describes_itself(running):
    request = DescribeParameters.Request(names=['tracker.lost_seconds', 'reliability'])
    response = running.call(DescribeParameters, '/tracker/describe_parameters', request)
    lost, reliability = response.descriptors
    assert lost.floating_point_range[0].to_value == 3600.0
    assert 'Time for which' in lost.description
    assert 'auto, best_effort, reliable' in reliability.additional_constraints


def test_tracks_end_or_go_on_over_a_deactivation_as_asked(running, make_camera):
    camera, found = make_camera(running), []

    def tracked():
        # Images are lost until the new subscription is known.
        sent = camera.send((10, 20))
        running.spin(0.2)
        return next((m.detections for m in camera.tracks if m.header == sent.header), None)
    for keep in (False, True):
        assert set_parameters(running, keep_tracks=keep).successful
        found.append(camera.track((10, 20)).detections[0].id)
        assert change_state(running, Transition.TRANSITION_DEACTIVATE)
        assert change_state(running, Transition.TRANSITION_ACTIVATE)
        found.append(running.wait(tracked, 'tracks')[0].id)
    assert int(found[1]) > int(found[0])
    assert found[3] == found[2] == found[1]
