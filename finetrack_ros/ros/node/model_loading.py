# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load the model that the parameters name."""

from __future__ import annotations

from collections.abc import Callable

from finetrack_ros.inference import load_model
from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.node_config import NodeConfig

RunnerFactory = Callable[[NodeConfig], Model]


def load_runner(config: NodeConfig) -> Model:
    """Return the model that the parameters name; the first frame will not be slower."""
    # Of another detector's classes the model may know none.
    classes = () if config.foreign_detections else config.model.classes
    asked = config.model
    runner = load_model(asked.model, engine=asked.engine, device=asked.device,
                        input_size=asked.input_size, classes=classes)
    runner.warm_up()
    return runner
