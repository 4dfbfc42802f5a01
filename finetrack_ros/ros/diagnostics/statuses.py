# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node says of itself on /diagnostics: one status for the model, one per camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.diagnostics.frame_stats import Snapshot
from finetrack_ros.ros.inputs.topic_input import InputReport

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

#: Seconds from which the age of a frame says that it was stamped by another clock.
OTHER_CLOCK = 3600.0

Verdict = tuple[bytes, str]


def model_status(node_name: str, state: str, model: str, loaded: Model | None,
                 fault: str) -> DiagnosticStatus:
    """
    Return what is loaded, on which engine and why, or the fault that prevents it.

    :param model: the name that was asked for; '' where none is needed.
    """
    values = {'state': state, 'model': model}
    if loaded is not None:
        values.update({
            'engine': loaded.engine_name, 'device': loaded.device_name,
            'reason': loaded.engine_reason, 'embedding_dim': str(loaded.embedding_dim),
            'input_size': str(loaded.input_size),
        })
    level, message = OK, 'no model needed: detections of a topic, without embeddings'
    if fault:
        level, message = ERROR, fault
    elif loaded is not None:
        message = f'{loaded.model_name} on {loaded.engine_name}'
    elif model:
        level, message = WARN, f'no model is loaded, node is {state}'
    return status(f'{node_name}: model', level, message, values)


def camera_status(node_name: str, inputs: Sequence[InputReport], snapshot: Snapshot,
                  enabled: bool, waiting: int, config: NodeConfig) -> DiagnosticStatus:
    """
    Return how one camera's frames fared since the last snapshot.

    :param inputs: its subscriptions; the first names the status.
    :param waiting: cameras whose frames wait for the worker.
    :param config: the parameters, among them the limits of the levels.
    """
    problems = [problem for report in inputs for problem in report.problems]
    level, message = OK, f'{snapshot.recent.processed / snapshot.seconds:.1f} frames per second'
    if not enabled:
        message = 'disabled by ~/enable'
    elif problems:
        level, message = ERROR, problems[0]
    elif snapshot.recent.failed:
        level = ERROR
        message = f'{snapshot.recent.failed} frames failed: {snapshot.last_error}'
    elif verdicts := [verdict for verdict in (
            _badness(snapshot), *_unlogged(inputs, snapshot, config),
            _jumps(inputs[0], snapshot)) if verdict is not None]:
        # The first of the worst level: earlier ones are causes of later ones.
        level, message = next((v for v in verdicts if v[0] == ERROR), verdicts[0])
    values = _counts(snapshot) | {
        'publishers': str(inputs[0].publishers), 'waiting_cameras': str(waiting)}
    return status(f'{node_name}: {inputs[0].topic}', level, message, values)


def unlogged_fault(inputs: Sequence[InputReport], snapshot: Snapshot, config: NodeConfig
                   ) -> str:
    """
    Return the fault of a camera that no frame has told in the log, '' without any.

    What is wrong with single frames and publishers is logged where it is found.
    """
    verdicts = [verdict for verdict in _unlogged(inputs, snapshot, config) if verdict is not None]
    return verdicts[0][1] if verdicts else ''


def _unlogged(inputs: Sequence[InputReport], snapshot: Snapshot, config: NodeConfig
              ) -> list[Verdict | None]:
    return [_silence(inputs, config), _pairing(inputs, snapshot, config),
            _rivals(inputs[0], snapshot), _lateness(snapshot, config), _drops(snapshot, config),
            _rate(snapshot, config)]


def _badness(snapshot: Snapshot) -> Verdict | None:
    if snapshot.recent.bad and not snapshot.recent.processed:
        return ERROR, f'all of {snapshot.recent.bad} images are bad: {snapshot.last_error}'
    if snapshot.recent.bad:
        return WARN, f'{snapshot.recent.bad} bad images: {snapshot.last_error}'
    if snapshot.recent.bad_detections:
        return WARN, snapshot.last_error
    return None


def _silence(inputs: Sequence[InputReport], config: NodeConfig) -> Verdict | None:
    timeout = config.diagnostics.image_timeout
    for report in inputs:
        if report.silence > timeout:
            return (_level(report.silence, timeout, config),
                    f"no {report.what} on '{report.topic}' for {report.silence:.0f} s from "
                    f'{report.publishers} publishers: {report.remedy}')
    return None


def _pairing(inputs: Sequence[InputReport], snapshot: Snapshot, config: NodeConfig
             ) -> Verdict | None:
    lost = snapshot.recent.unpaired_detections
    if not lost or snapshot.recent.paired:
        return None
    images, detections = inputs
    return WARN, (
        f"{lost} messages on '{detections.topic}' and none has the stamp of an image on "
        f"'{images.topic}': let the detector copy its image's header, or where it is slow, raise "
        f"the parameter 'pairing_queue' above {config.node.pairing_queue} frames")


def _rivals(images: InputReport, snapshot: Snapshot) -> Verdict | None:
    """Tell of several cameras on one topic, whose tracks would be mixed."""
    remedy = ('let each camera publish on a topic of its own, and name them as in '
              'cameras:=front,rear image_topic:=/{camera}/image_raw')
    who = f" from {' and '.join(images.nodes)}" if images.nodes else ''
    if snapshot.recent.views > 1:
        return WARN, (f"frame_id or size of what comes on '{images.topic}'{who} changed "
                      f'{snapshot.recent.views} times: {remedy}')
    if len(images.nodes) > 1:
        return WARN, f"{len(images.nodes)} nodes publish on '{images.topic}',{who[5:]}: {remedy}"
    return None


def _jumps(images: InputReport, snapshot: Snapshot) -> Verdict | None:
    jumps = snapshot.recent.jumps
    # A bag that starts again jumps once.
    if jumps < 2:
        return None
    return WARN, (f'stamps jumped back {jumps} times, and {images.publishers} publishers send on '
                  f"'{images.topic}': let one alone send there, in the order of its stamps; "
                  "'tracker.on_jump_back' says what becomes of the tracks")


def _lateness(snapshot: Snapshot, config: NodeConfig) -> Verdict | None:
    age = snapshot.quantile('total', 0.5)
    if age > OTHER_CLOCK:
        return WARN, (f'the stamps are {age:.2f} s behind this clock: set use_sim_time if a bag '
                      'is played with its clock, or bring the clocks of the machines together')
    if age < -config.diagnostics.max_age:
        return WARN, (f'the stamps are {-age:.2f} s ahead of this clock: bring the clocks of the '
                      'machines together, or where use_sim_time is set, let the clock be '
                      'published (ros2 bag play --clock)')
    if not age > config.diagnostics.max_age:
        return None
    return (_level(age, config.diagnostics.max_age, config),
            f'half of the frames are older than {age:.2f} s when their tracks come out: '
            'lower the image rate or size, or compare the clocks of camera and tracker')


def _drops(snapshot: Snapshot, config: NodeConfig) -> Verdict | None:
    dropped, received = snapshot.recent.dropped, snapshot.recent.received
    if dropped <= config.diagnostics.max_drop_ratio * max(received, 1):
        return None
    return WARN, (f'{dropped} of {received} images were overtaken by newer ones: '
                  'lower the image rate or take a faster engine')


def _rate(snapshot: Snapshot, config: NodeConfig) -> Verdict | None:
    rate = snapshot.recent.processed / snapshot.seconds
    if rate >= config.diagnostics.min_rate:
        return None
    received = snapshot.recent.received / snapshot.seconds
    return WARN, (f'{rate:.1f} frames per second are tracked, of {received:.1f} received, with '
                  f"'min_rate' at {config.diagnostics.min_rate:g}: look at the camera's rate, or "
                  'take a faster engine')


def _level(value: float, limit: float, config: NodeConfig) -> bytes:
    """Return how bad it is that a value is above its limit."""
    return ERROR if value > config.diagnostics.error_factor * limit else WARN


def _counts(snapshot: Snapshot) -> dict[str, str]:
    """Return the numbers of a snapshot as text, durations in milliseconds."""
    totals, recent, seconds = snapshot.totals, snapshot.recent, snapshot.seconds
    values = {
        'fps': f'{recent.processed / seconds:.2f}',
        'input_fps': f'{recent.received / seconds:.2f}',
        'tracks': str(snapshot.tracks),
        'received': str(totals.received),
        'processed': str(totals.processed),
        'dropped': str(totals.dropped),
        'failed': str(totals.failed),
        'bad_images': str(totals.bad),
        'bad_detections': str(totals.bad_detections),
        'unpaired_images': str(totals.unpaired_images),
        'unpaired_detections': str(totals.unpaired_detections),
        'time_jumps': str(totals.jumps),
        'last_error': snapshot.last_error,
    }
    if not snapshot.durations:
        return values
    for name in ('age', 'decoding', 'inference', 'tracking', 'publishing', 'total'):
        for label, share in (('p50', 0.5), ('p95', 0.95)):
            values[f'{name}_ms_{label}'] = f'{1e3 * snapshot.quantile(name, share):.2f}'
    batches = [durations.batch for durations in snapshot.durations]
    values['batch_mean'] = f'{sum(batches) / len(batches):.2f}'
    return values


def status(name: str, level: bytes, message: str, values: Mapping[str, str]) -> DiagnosticStatus:
    """Return one status of this package, with its values as text."""
    return DiagnosticStatus(
        name=name, level=level, message=message, hardware_id='finetrack_ros',
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
