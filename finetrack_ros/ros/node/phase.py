# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far the node is started, in the words of the life cycle."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """What a node holds; set by its transitions alone."""

    UNCONFIGURED = 'unconfigured'
    CONFIGURING = 'configuring'
    """The model loads."""
    INACTIVE = 'inactive'
    ACTIVE = 'active'
    FINALIZED = 'finalized'

    @property
    def configured(self) -> bool:
        """Return whether the node holds a model, or will when it has loaded."""
        return self in (Phase.CONFIGURING, Phase.INACTIVE, Phase.ACTIVE)
