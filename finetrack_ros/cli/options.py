# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options that several subcommands share, and what they mean."""

from __future__ import annotations

import math
from typing import Any, TYPE_CHECKING

import typer

from finetrack_ros.cli.application import errors
from finetrack_ros.errors import ConfigError

if TYPE_CHECKING:
    from finetrack_ros.inference.runner import FineTrackRunner

MODEL = typer.Option(
    'finetrack_nano', help='Name of a shipped model, or a folder written by an export.')
ENGINE = typer.Option('auto', help='Inference engine.')
DEVICE = typer.Option('auto', help='auto, cpu, cuda or cuda:N.')
INPUT_SIZE = typer.Option(
    None, help="Network input in pixels: long side (640) or height x width (384x640). It follows "
    "the image's own size if not given, or auto.")
CLASSES = typer.Option(
    None, help='Classes to track, such as person,dog, or all. If not given: person where the '
    'model knows it, else all.')
TRACKER_CONFIG = typer.Option(
    None, help='Tracker parameters: a preset (default, mot, dance), or a YAML file, plain or '
    'as ROS parameters.')
SCORE_RANGE = typer.Option(
    None, metavar='LOW:HIGH', help='For detections whose scores are not in 0..1: the scores that '
    'become 0 and 1. Those between are mapped linearly, those beyond are cut off.')


def load_chosen_model(model: str, engine: str, device: str, input_size: str | None,
                      **settings: Any) -> FineTrackRunner:
    """
    Load the model that the options above name, and say what runs it.

    :raises FinetrackError: where it cannot be loaded or an option is wrong.
    """
    from finetrack_ros.inference import load_model

    runner = load_model(model, engine=engine, device=device, **parse_input_size(input_size),
                        **settings)
    say(f'{runner.model_name} with {runner.engine_name} on {runner.device_name} '
        f'({runner.engine_reason})')
    return runner


def say(text: str) -> None:
    """Print a note about the run, apart from its results."""
    errors.print(text, style='dim', markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print a warning that does not end the run."""
    errors.print(f'Warning: {text}', style='yellow', markup=False, highlight=False,
                 soft_wrap=True)


def parse_input_size(text: str | None) -> dict[str, Any]:
    """
    Return the model setting that ``--input-size`` means: none where it was not given.

    :param text: ``640`` (the long side) or ``384x640`` (height x width), in pixels, or ``auto``.
    :raises ConfigError: where it is none of these.
    """
    if text is None or text == 'auto':
        return {}
    parts = text.lower().split('x')
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise ConfigError(f"--input-size '{text}' is not understood. Give the long side in "
                          'pixels, such as 640, or height x width, such as 384x640, or auto.')
    sides = [int(part) for part in parts]
    return {'input_size': sides[0] if len(sides) == 1 else (sides[0], sides[1])}


def parse_classes(text: str | None) -> dict[str, Any]:
    """Return the model setting that ``--classes`` means: none where it was not given."""
    return {} if text is None else {'classes': [name.strip() for name in text.split(',')]}


def parse_score_range(text: str | None) -> tuple[float, float] | None:
    """
    Return the two scores that ``--score-range`` names; None where it was not given.

    :raises ConfigError: where it is not of the form LOW:HIGH with LOW below HIGH.
    """
    if text is None:
        return None
    low, _, high = text.partition(':')
    try:
        found = float(low), float(high)
    except ValueError:
        found = math.nan, math.nan
    if not -math.inf < found[0] < found[1] < math.inf:
        raise ConfigError(f"--score-range '{text}' is not understood. Give the score that means 0 "
                          'and a higher one that means 1, such as 0:100.')
    return found


def check_detections_options(given: bool, embeddings: bool, score_range: str | None) -> None:
    """Raise ConfigError where options are used that mean nothing without ``--detections``."""
    for name, used in (('--no-embeddings', not embeddings),
                       ('--score-range', score_range is not None)):
        if used and not given:
            raise ConfigError(f'{name} is about detections from elsewhere: give them with '
                              '--detections, too')
