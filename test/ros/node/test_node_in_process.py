# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node inside another process, as where several nodes are composed."""

import gc
import threading
import time
from types import SimpleNamespace
import weakref

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.ros.node import tracker_node, transitions
from finetrack_ros.ros.node.progress import heartbeat

pytestmark = pytest.mark.ros


def make_node(bench, factory=None, **values):
    """Return a node in this process."""
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    return tracker_node.TrackerNode(context=bench.context, parameter_overrides=overrides,
                       runner_factory=factory)


def spin(node, bench, reached):
    """Spin a node with an executor of its own until something is reached."""
    executor = SingleThreadedExecutor(context=bench.context)
    executor.add_node(node)
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        executor.spin_once(0.1)
    executor.remove_node(node)
    executor.shutdown()


def refuse(config):
    raise ModelError(f"model '{config.model.model}': not here")


class Model:
    """Stands for a loaded model."""

    class_names = ('square',)
    embedding_dim = 8
    model_name = engine_name = engine_reason = 'fake'
    device_name = 'cpu'
    input_size = 320


class Bond:
    """Stands for that of bondpy."""

    made = []

    def __init__(self, node, topic, name):
        self.calls = [topic, name]
        self.made.append(self)

    def __getattr__(self, name):
        return lambda *values: self.calls.append((name, *values))


def test_active_node_has_a_bond_to_its_manager(own_bench, monkeypatch):
    monkeypatch.setattr(transitions, 'find_spec', lambda name: name == 'bondpy')
    monkeypatch.setattr(transitions, 'import_module', lambda name: SimpleNamespace(Bond=Bond))
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    for step in (node.trigger_configure, node.trigger_activate):
        assert step() == TransitionCallbackReturn.SUCCESS
    assert Bond.made[-1].calls == [
        'bond', 'tracker', ('set_heartbeat_period', 0.1), ('set_heartbeat_timeout', 4.0),
        ('start',)]
    node.trigger_deactivate()
    assert Bond.made[-1].calls[-1] == ('break_bond',)
    node.trigger_activate()
    assert len(Bond.made) == 2
    node.destroy_node()
    assert Bond.made[-1].calls[-1] == ('break_bond',)


def test_cleanup_frees_the_model(own_bench):
    models = []

    def load(values):
        model = Model()
        models.append(weakref.ref(model))
        return model
    node = make_node(own_bench, load, autostart=False, cameras=['front', 'rear'])
    transitions = [node.trigger_configure, node.trigger_activate, node.trigger_deactivate]
    assert [step() for step in transitions] == [TransitionCallbackReturn.SUCCESS] * 3
    assert models[0]() is not None
    assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    gc.collect()
    assert models[0]() is None
    assert node.state == 'unconfigured'
    node.destroy_node()


def test_deactivation_frees_the_model_where_it_is_not_kept(own_bench):
    models = []

    def load(values):
        model = Model()
        models.append(weakref.ref(model))
        return model
    node = make_node(own_bench, load, autostart=False, keep_model=False)
    for count in (1, 2):
        if count == 1:
            node.trigger_configure()
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert len(models) == count
        assert models[-1]() is not None
        assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        gc.collect()
        assert models[-1]() is None
        assert node.state == 'inactive'
    node.destroy_node()


def test_another_model_than_configured_is_not_activated(own_bench):
    dims = iter([8, 16])

    def load(values):
        model = Model()
        model.embedding_dim = next(dims)
        return model
    node = make_node(own_bench, load, autostart=False, keep_model=False)
    for step in (node.trigger_configure, node.trigger_activate, node.trigger_deactivate):
        assert step() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
    assert 'clean up and configure' in node.fault
    assert node.state == 'inactive'
    node.destroy_node()


def test_classes_change_while_the_model_is_in_use_if_it_knows_them(own_bench):
    def load(values):
        # Nobody can say yet whether the model knows it.
        assert node.set_parameters([Parameter('classes', value=early)])[0].successful
        return Model()
    node = make_node(own_bench, load, autostart=False)
    early = ['circle']
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert "parameter 'classes': class 'circle' is unknown" in node.fault
    early = ['square']
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    refused = node.set_parameters([Parameter('classes', value=['squares'])])[0]
    assert 'did you mean square?' in refused.reason
    assert node.get_parameter('classes').value == ['square']
    assert node.set_parameters([Parameter('classes', value=['all'])])[0].successful
    node.destroy_node()


def test_node_that_was_shut_down_says_so(own_bench):
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    assert node.trigger_shutdown() == TransitionCallbackReturn.SUCCESS
    assert node.state == 'finalized'
    node.destroy_node()


def test_cameras_change_while_unconfigured(own_bench):
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    assert node.set_parameters([Parameter('cameras', value=['left', 'right'])])[0].successful
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    refused = node.set_parameters([Parameter('cameras', value=['left'])])[0]
    assert 'cannot change while the node is configured' in refused.reason
    assert [node.count_publishers(f'/{name}') for name in (
        'tracks', 'left/tracks', 'right/tracks')] == [0, 1, 1]
    node.destroy_node()


def test_parameters_set_while_the_model_loads_are_kept(own_bench):
    def load(values):
        assert node.set_parameters([Parameter('depth_tolerance', value=0.5)])[0].successful
        return Model()
    seen = []
    node = make_node(own_bench, load, autostart=False, depth=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker_node, 'Camera', lambda node, name, runner, names, config, slots:
                      seen.append(config.positions.depth_tolerance))
        node.trigger_configure()
    assert seen == [0.5]
    node._cameras.clear()
    node.destroy_node()


def test_services_stand_cameras_that_are_being_made(own_bench, monkeypatch):
    node = make_node(own_bench, lambda values: Model(), autostart=False, cameras=['front', 'rear'])
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS

    def add(camera, *_):
        node._cameras.setdefault('third', camera)
    for method in ('reset', 'close'):
        monkeypatch.setattr(tracker_node.Camera, method, add)
    assert node._on_reset(Trigger.Request(), Trigger.Response()).success
    del node._cameras['third']
    assert node._on_enable(SetBool.Request(data=False), SetBool.Response()).success
    monkeypatch.undo()
    del node._cameras['third']
    node.destroy_node()


def test_pause_is_not_counted_into_the_rate(own_bench):
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    stats = node._cameras[''].stats
    stats._last_snapshot -= 3600
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert stats.snapshot().seconds < 1800
    node.destroy_node()


def test_camera_that_cannot_be_made_leaves_nothing_behind(own_bench, monkeypatch):
    def broken(node, name, *arguments):
        raise RuntimeError(f'no camera {name}')
    monkeypatch.setattr(tracker_node, 'Camera', broken)
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert (node.state, 'no camera' in node.fault) == ('unconfigured', True)
    node.destroy_node()


def test_failed_activation_can_be_repeated(own_bench, monkeypatch):
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    with monkeypatch.context() as patch:
        patch.setattr(tracker_node.Camera, 'open', lambda camera, settings: 1 / 0)
        assert node.trigger_activate() == TransitionCallbackReturn.FAILURE
    assert (node.state, 'ZeroDivisionError' in node.fault) == ('inactive', True)
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert (node.state, node.fault) == ('active', '')
    node.destroy_node()


def test_long_loading_is_said_again_and_again():
    said = []
    with heartbeat(said.append, 'loading', period=0.01):
        deadline = time.monotonic() + 20
        while len(said) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(said) >= 3
    assert said[0].startswith('still loading after ')


def test_in_process_failure_returns_failure_with_its_cause(own_bench):
    node = make_node(own_bench, refuse, autostart=False, model='mine')
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.fault == "model 'mine': not here"
    assert node.state == 'unconfigured'
    node.destroy_node()


def test_destroyed_node_is_gone_from_the_graph(own_bench):
    node = make_node(own_bench, lambda values: Model(), autostart=False)
    for step in (node.trigger_configure, node.trigger_activate):
        assert step() == TransitionCallbackReturn.SUCCESS
    assert 'tracker' in own_bench.node.get_node_names()
    node.destroy_node()
    own_bench.wait(lambda: 'tracker' not in own_bench.node.get_node_names(), 'the end', 10)


def test_in_process_unknown_parameter_is_refused(own_bench):
    with pytest.raises(ConfigError, match="did you mean 'device'"):
        make_node(own_bench, devise='cpu')


def test_autostart_goes_on_with_another_executor(own_bench):
    begun, go = threading.Event(), threading.Event()

    def load(config):
        begun.set()
        go.wait(20)
        return Model()
    node = make_node(own_bench, load)
    spin(node, own_bench, begun.is_set)
    go.set()
    # The model is there while nobody spins.
    node._starter.join()
    spin(node, own_bench, lambda: node.state == 'active')
    node.destroy_node()


def test_failed_autostart_completes_the_future(own_bench):
    node = make_node(own_bench, refuse)
    executor = SingleThreadedExecutor(context=own_bench.context)
    executor.add_node(node)
    executor.spin_until_future_complete(node.start_failed, timeout_sec=20)
    assert 'not here' in node.start_failed.result()
    executor.shutdown()
    node.destroy_node()
