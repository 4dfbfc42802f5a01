# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a node as a process of its own, from its arguments to a clean end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
import contextlib
import re
import signal
import socket
import threading
from typing import Any, TypeVar

import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from finetrack_ros.errors import ConfigError, FinetrackError

_Node = TypeVar('_Node', bound=Node)

# What to do where rcl cannot parse an argument, by what it then calls it.
_REMEDIES = {
    'remap rule': 'give names of letters, digits, underscores and slashes, as in -r '
                  'image:=/camera/image_raw',
    'log level': 'give one of debug, info, warn, error, fatal',
    'params file': "name a file that begins with two lines, '/**:' and below it "
                   "'  ros__parameters:', as config/tracker.yaml does",
}


def ignore_interrupts() -> None:
    """Let no further Ctrl-C break a clean end: the terminal and ros2 launch may both send one."""
    signal.signal(signal.SIGINT, lambda *_: None)


@contextlib.contextmanager
def ros_arguments_checked() -> Iterator[None]:
    """Turn what rclpy raises over arguments of the command line into a ConfigError."""
    try:
        yield
    # rclpy's own errors are RuntimeErrors.
    except (RuntimeError, NameValidationException) as error:
        # The places in rcl's sources help nobody here.
        text = ' '.join(re.sub(r', at \S+:\d+', '', str(error)).split())
        text = text.removeprefix('failed to initialize rcl: ')
        remedy = next((remedy for what, remedy in _REMEDIES.items() if what in text),
                      'correct what stands after --ros-args')
        raise ConfigError(f'ROS cannot start so: {text}; {remedy}') from error


@contextlib.contextmanager
def interrupts() -> Iterator[Future]:
    """
    Return a future that completes when the process is interrupted or told to end.

    rclpy would shut ROS down at once, below the feet of what is still at work; here the node ends
    first. The signal reaches a thread through a socket, as the main thread may be waiting in C.
    """
    stop: Future = Future()
    near, far = socket.socketpair()
    far.setblocking(False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        if near.recv(1) and not stop.done():
            stop.set_result(None)

    threading.Thread(target=wait, name='interrupts', daemon=True).start()
    before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    try:
        yield stop
    finally:
        # A further Ctrl-C must not break the end of the process, where Python takes its own
        # handlers away.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(before)
        far.close()


def run_process(name: str, args: Sequence[str] | None, make_node: Callable[[], _Node],
                ended: Callable[[_Node], Future]) -> int:
    """
    Run a node until it ends or the process is interrupted, then free all of ROS.

    :param name: stands before what is logged while there is no node yet.
    :param ended: returns the node's future that completes at its end: with '' or with the error
        that ended it.
    :return: exit code of the process; what keeps the node from starting is logged.
    """
    with interrupts() as stop:
        try:
            with ros_arguments_checked():
                rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
            node = make_node()
        except FinetrackError as error:
            get_logger(name).fatal(str(error))
            rclpy.try_shutdown()
            return 1
        done = ended(node)
        done.add_done_callback(lambda _: stop.done() or stop.set_result(None))
        _spin(node, stop)
        return 1 if done.done() and done.result() else 0


def _spin(node: Node, stop: Future[Any]) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin_until_future_complete(stop)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
