# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Named sets of parameters, as YAML files beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from finetrack_ros.errors import ConfigError

FOLDER = Path(__file__).parent / 'presets'


def preset_names() -> list[str]:
    """Return the names of the presets, sorted."""
    return sorted(path.stem for path in FOLDER.glob('*.yaml'))


def preset_path(name: str) -> Path:
    """
    Return the YAML file of a preset, for :meth:`TrackerConfig.from_mapping`.

    :raises ConfigError: when there is no preset of that name.
    """
    if name not in preset_names():
        raise ConfigError(
            f"there is no tracker preset '{name}': choose one of {', '.join(preset_names())}")
    return FOLDER / f'{name}.yaml'


def preset_values(name: str) -> dict[str, Any]:
    """
    Return the fields of :class:`TrackerConfig` that a preset sets.

    :raises ConfigError: when there is no preset of that name.
    """
    return dict(yaml.safe_load(preset_path(name).read_text(encoding='utf-8')))
