# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Load the model that the parameters name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from finetrack_ros.inference import load_model
from finetrack_ros.protocols import Model

RunnerFactory = Callable[[Mapping[str, Any]], Model]


def load_runner(values: Mapping[str, Any]) -> Model:
    """Return the model that the parameters name; the first frame will not be slower."""
    # Of another detector's classes the model may know none.
    classes = values['classes'] if values['detector'] == 'own' else []
    runner = load_model(values['model'], engine=values['engine'], device=values['device'],
                        input_size=values['input_size'], classes=classes)
    runner.warm_up()
    return runner
