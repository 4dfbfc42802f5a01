# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a lifecycle manager sees of the node: results of transitions, and a bond."""

from __future__ import annotations

from collections.abc import Callable
import functools
from importlib import import_module
from importlib.util import find_spec
import traceback
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from finetrack_ros.errors import FinetrackError

Transition = Callable[[Any, LifecycleState], TransitionCallbackReturn]

#: Topic, and seconds between heartbeats and until a silent side counts as gone, of Nav2's nodes.
BOND_TOPIC, HEARTBEAT, SILENCE = 'bond', 0.1, 4.0


def reported(transition: Transition) -> Transition:
    """
    Log what goes wrong in a transition, keep it in ``fault``, and return FAILURE.

    rclpy swallows exceptions of transitions without a word.
    """
    @functools.wraps(transition)
    def wrapper(node: Any, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            node.fault = ''
            return transition(node, state)
        except FinetrackError as error:
            node.fault = str(error)
        # Whatever it was, the node stays and says it in its log and diagnostics.
        except Exception as error:
            node.fault = f'{type(error).__name__}: {error}'
            node.get_logger().debug(traceback.format_exc())
        if node.context.ok():
            node.get_logger().error(f'{transition.__name__} failed: {node.fault}')
            node.publish_diagnostics()
        return TransitionCallbackReturn.FAILURE
    return wrapper


class ManagerBond:
    """
    The heartbeat by which Nav2's lifecycle manager knows that an active node lives.

    Only where ``bondpy`` is installed; without, the manager needs ``bond_timeout: 0.0``.
    """

    def __init__(self, node: LifecycleNode) -> None:
        """Prepare the bond of a node."""
        self._node = node
        self._bond: Any = None

    def form(self) -> None:
        """Begin the heartbeat; the debug log says where that cannot be."""
        if not find_spec('bondpy'):
            self._node.get_logger().debug('no bond to a manager: bondpy is not installed')
            return
        self.end()
        bond = import_module('bondpy.bondpy').Bond(
            self._node, BOND_TOPIC, self._node.get_name())
        bond.set_heartbeat_period(HEARTBEAT)
        bond.set_heartbeat_timeout(SILENCE)
        bond.start()
        self._bond = bond

    def end(self) -> None:
        """Tell the manager that the node is no longer active."""
        bond, self._bond = self._bond, None
        if bond is not None:
            bond.break_bond()
