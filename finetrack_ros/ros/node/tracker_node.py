# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The tracker node: images of one or more cameras in, tracks out.

A lifecycle node. ``configure`` loads the model, ``activate`` subscribes and starts the worker,
``deactivate`` and ``cleanup`` undo them; with ``autostart`` it takes the first two steps itself.

Three threads meet here. The executor's receives messages and serves services, parameters, timers
and transitions. The worker's, while the node is active, decodes, infers, tracks and publishes all
outputs. That of an automatic start does ``configure`` alone, so that services answer while the
model loads, and leaves the next step to the executor's.
"""

from __future__ import annotations

from collections.abc import Sequence
import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

from finetrack_ros.errors import ConfigError
from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.node_config import NodeConfig, PRESET
from finetrack_ros.ros.config.settings import (
    changed_values,
    check_classes,
    declare_parameters,
    kept_values,
    read_parameters,
    with_preset,
)
from finetrack_ros.ros.diagnostics import statuses
from finetrack_ros.ros.diagnostics.status_log import StatusLog
from finetrack_ros.ros.execution import ros_arguments_checked, run_process
from finetrack_ros.ros.inputs.detection_input import ClassNames
from finetrack_ros.ros.node.batch import batch_limit, BatchProcessor
from finetrack_ros.ros.node.camera import Camera
from finetrack_ros.ros.node.frame_slots import FrameSlots
from finetrack_ros.ros.node.model_loading import load_runner, RunnerFactory
from finetrack_ros.ros.node.phase import Phase
from finetrack_ros.ros.node.progress import heartbeat
from finetrack_ros.ros.node.transitions import ManagerBond, reported
from finetrack_ros.ros.node.worker import Worker

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE

DIAGNOSTICS_PERIOD = 1.0
FOLLOW_PERIOD = 1.0
START_PERIOD = 0.02


def _kept(kept: bool, otherwise: str) -> str:
    return 'kept' if kept else otherwise


class TrackerNode(LifecycleNode):
    """
    Lifecycle node that tracks the objects in the images of one or more cameras.

    :ivar fault: why the last transition failed, '' where it did not.
    :ivar start_failed: completes with the reason when an automatic start fails.
    """

    def __init__(self, node_name: str = 'tracker', *,
                 runner_factory: RunnerFactory = load_runner, **node_arguments: Any) -> None:
        """
        Declare the parameters, services and diagnostics; nothing heavy happens here.

        :param runner_factory: makes the model from the parameters in ``configure``.
        :param node_arguments: for rclpy's Node, such as ``namespace`` or ``parameter_overrides``.
        :raises ConfigError: where a parameter is unknown or has a bad value.
        """
        try:
            with ros_arguments_checked():
                super().__init__(node_name, automatically_declare_parameters_from_overrides=True,
                                 **node_arguments)
        except ValueError as error:
            # rclpy cannot declare what has no type, and an empty list has none.
            raise ConfigError("a parameter is given as an empty list or without a value: leave "
                              f"it out, or give an empty list as [''] ({error})") from error
        self.fault = ''
        self.start_failed: Future = Future()
        self._runner_factory = runner_factory
        self._runner: Model | None = None
        self._embedding_dim = 0
        self._phase = Phase.UNCONFIGURED
        self._cameras: dict[str, Camera] = {}
        self._worker: Worker | None = None
        self._enabled = True
        self._bond = ManagerBond(self)
        self._starter: threading.Thread | None = None
        self._given = declare_parameters(self)
        self._values = read_parameters(self)
        self._config = NodeConfig.of(self._values)
        self._status_log = StatusLog(lambda text: self.get_logger().warning(text))
        self._tell_preset()
        self.add_on_set_parameters_callback(self._validate_parameters)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(SetBool, '~/enable', self._on_enable)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Not the node's clock: with use_sim_time and no clock the node would fall silent.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(FOLLOW_PERIOD, self._follow_publishers, clock=steady)
        self.create_timer(DIAGNOSTICS_PERIOD, self.publish_diagnostics, clock=steady)
        if self._config.node.autostart:
            self._autostart = self.create_timer(START_PERIOD, self._on_autostart, clock=steady)

    def _tell_preset(self) -> None:
        """Warn of given values that win over a given preset, which may be all of them."""
        preset = self._values[PRESET]
        kept = kept_values(self._values, self._given)
        if PRESET in self._given and preset != 'default' and kept:
            self.get_logger().warning(
                f"tracker.preset '{preset}' does not set what was given beside it, {kept}: leave "
                'it out of the parameter file to let the preset set it')

    @property
    def state(self) -> str:
        """Return how far the node is started, in the words of the life cycle."""
        return self._phase.value

    # Life cycle

    @reported
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and create the publishers."""
        self._phase = Phase.CONFIGURING
        try:
            self._load()
        except BaseException:
            self._release()
            raise
        self._phase = Phase.INACTIVE
        return super().on_configure(state)

    @reported
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model where it was not kept, subscribe and start the worker."""
        config, runner = self._config, self._runner
        if runner is None and config.needs_images:
            runner = self._runner = self._load_same_model(config)
        result = super().on_activate(state)
        processor = BatchProcessor(runner, lambda: self._config)
        self._worker = Worker(
            processor.process, batch_limit(config.model.max_batch, runner))
        try:
            for camera in self._cameras.values():
                if not config.node.keep_tracks:
                    camera.reset()
                if self._enabled:
                    camera.open(config)
                    topics = ' and '.join(f"'{source.topic}'" for source in camera.inputs)
                    self.get_logger().info(f'subscribed to {topics}')
        except Exception:
            self._stop()
            super().on_deactivate(state)
            raise
        if not config.node.autostart:
            self._bond.form()
        self._phase = Phase.ACTIVE
        return result

    @reported
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and stop the worker; free the model where it is not to be kept."""
        self._stop()
        self._phase = Phase.INACTIVE
        node = self._config.node
        if not node.keep_model:
            self._runner = None
        self.get_logger().info(
            f"deactivated: unsubscribed; the model is {_kept(node.keep_model, 'freed')}, the "
            f"tracks are {_kept(node.keep_tracks, 'dropped when activated again')}")
        return super().on_deactivate(state)

    @reported
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and remove the publishers."""
        self._release()
        self.get_logger().info('cleaned up: model, tracks and publishers are freed')
        return super().on_cleanup(state)

    @reported
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._release()
        self._phase = Phase.FINALIZED
        self.get_logger().info('shut down: everything is freed')
        return super().on_shutdown(state)

    def _load(self) -> None:
        """Load the model, where the mode needs one, and make the cameras."""
        config = self._config
        runner, names = None, ClassNames()
        if config.needs_images:
            runner = self._load_model(config)
            if not config.foreign_detections:
                names = ClassNames(runner.class_names)
        for name in config.cameras:
            # The present config: some may have changed while the model was loaded.
            self._cameras[name] = Camera(self, name, runner, names, self._config, self._slots)
        self._runner = runner
        self._embedding_dim = runner.embedding_dim if runner else 0

    def _load_same_model(self, config: NodeConfig) -> Model:
        """Load the model again; ConfigError where its embeddings have another width by now."""
        runner = self._load_model(config)
        if runner.embedding_dim != self._embedding_dim:
            raise ConfigError(
                f"model '{config.model.model}' was replaced by one with embeddings of "
                f'{runner.embedding_dim} values instead of {self._embedding_dim}: clean up and '
                'configure the node')
        return runner

    def _load_model(self, config: NodeConfig) -> Model:
        log = self.get_logger()
        asked = config.model
        what = (f"loading model '{asked.model}' for engine '{asked.engine}' on device "
                f"'{asked.device}'")
        log.info(what)
        start = time.perf_counter()
        with heartbeat(log.info, what):
            runner = self._runner_factory(config)
        # The present values: some may have changed while the model was loaded.
        check_classes(self._values, runner)
        log.info(f"model '{runner.model_name}' ready after {time.perf_counter() - start:.1f} s: "
                 f'{runner.engine_name} on {runner.device_name} ({runner.engine_reason})')
        return runner

    def _stop(self) -> None:
        self._bond.end()
        for camera in self._cameras.values():
            camera.close()
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _release(self) -> None:
        self._stop()
        for camera in self._cameras.values():
            camera.destroy()
        self._cameras = {}
        self._runner = None
        self._phase = Phase.UNCONFIGURED

    def _on_autostart(self) -> None:
        """Configure in a thread, so that services answer while the model loads; then activate."""
        if self._starter is None:
            self._starter = threading.Thread(target=self.trigger_configure, name='autostart')
            self._starter.start()
        elif not self._starter.is_alive():
            self._autostart.cancel()
            # Somebody else may have taken the node over meanwhile.
            if self._phase is Phase.INACTIVE:
                self.trigger_activate()
            if self.fault and self.context.ok():
                self.start_failed.set_result(self.fault)

    def destroy_node(self) -> None:
        """Stop the threads before rclpy removes what they publish to."""
        if self._starter is not None:
            # An engine that is being built cannot be interrupted.
            self._starter.join()
        self._release()
        super().destroy_node()
        # rclpy leaves its state machine to the garbage collector; until that comes, the node would
        # still stand in the graph and hold its part of DDS.
        self._state_machine.destroy_when_not_in_use()

    # Frames

    def _slots(self) -> FrameSlots | None:
        return None if self._worker is None else self._worker.slots

    # Services, parameters, diagnostics

    def _on_reset(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        # The thread of an automatic start may be adding cameras, here and below.
        for camera in list(self._cameras.values()):
            camera.reset()
        response.success = bool(self._cameras)
        response.message = ('all tracks dropped' if response.success
                            else 'nothing to reset: the node is not configured')
        self.get_logger().info(f'reset: {response.message}')
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        for camera in list(self._cameras.values()):
            if not request.data:
                camera.close()
            elif self._worker is not None:
                camera.open(self._config)
        response.success = True
        response.message = 'tracking enabled' if request.data else 'tracking disabled'
        self.get_logger().info(f'enable: {response.message}')
        return response

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set each parameter by itself, with what a new preset brings about."""
        return [self.set_parameters_atomically([change]) for change in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set all parameters or none, with what a new preset brings about."""
        result = super().set_parameters_atomically(with_preset(parameter_list, self._given))
        if result.successful:
            self._apply_parameters()
            names = {change.name for change in parameter_list}
            self._given |= names
            if PRESET in names:
                result.reason = kept_values(self._values, self._given)
        return result

    def _validate_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        """Say whether the parameters may be set; nothing changes here."""
        try:
            values = changed_values(self._values, changes, self._phase.configured)
            check_classes(values, self._runner)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply_parameters(self) -> None:
        """Take over what was validated and set."""
        values = read_parameters(self)
        before, self._values, self._config = self._values, values, NodeConfig.of(values)
        changed = [f'{name} from {before[name]!r} to {value!r}' for name, value in values.items()
                   if value != before[name]]
        if changed:
            self.get_logger().info(f'parameters changed: {", ".join(changed)}')
        for camera in list(self._cameras.values()):
            camera.update(self._config)

    def _follow_publishers(self) -> None:
        if self._worker is not None:
            for camera in self._cameras.values():
                camera.follow()

    def publish_diagnostics(self) -> None:
        """Publish how model and cameras fare, and log what only that would tell."""
        name, config = self.get_fully_qualified_name(), self._config
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        array.status.append(statuses.model_status(
            name, self.state, config.model.model if config.needs_images else '',
            self._runner, self.fault))
        worker = self._worker
        if worker is not None:
            for camera in self._cameras.values():
                reports = [source.report() for source in camera.inputs]
                snapshot = camera.stats.snapshot()
                array.status.append(statuses.camera_status(
                    name, reports, snapshot, self._enabled, worker.slots.waiting(),
                    config))
                if self._enabled:
                    self._status_log.tell(camera.topic, statuses.unlogged_fault(
                        reports, snapshot, config))
            for status in filter(None, [c.depth_status() for c in self._cameras.values()]):
                array.status.append(status)
                self._status_log.tell(
                    status.name, status.message if status.level != statuses.OK else '')
        self._diagnostics.publish(array)


def main(args: Sequence[str] | None = None, runner_factory: RunnerFactory = load_runner) -> int:
    """Run the node until it is interrupted; return 1 where it cannot start."""
    return run_process('tracker', args, lambda: TrackerNode(runner_factory=runner_factory),
                       lambda node: node.start_failed)


if __name__ == '__main__':
    sys.exit(main())
