# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the tracker, each with its meaning and range."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
import difflib
from typing import Any

from finetrack_ros.errors import ConfigError


def _number(default: float, minimum: float, maximum: float, description: str) -> Any:
    """Declare a field that takes numbers within a closed range."""
    return dataclasses.field(default=default, metadata={
        'description': description, 'minimum': minimum, 'maximum': maximum})


def _choice(default: str, choices: tuple[str, ...], description: str) -> Any:
    """Declare a field that takes one of several words."""
    return dataclasses.field(default=default, metadata={
        'description': description, 'minimum': None, 'maximum': None, 'choices': choices})


@dataclass(frozen=True)
class TrackerConfig:
    """
    Parameters of :class:`finetrack_ros.tracking.Tracker`; times are in seconds.

    Every field's metadata holds ``description``, ``minimum`` and ``maximum`` (None for words,
    which have ``choices``).

    :raises ConfigError: where a value is of the wrong type or out of its range.
    """

    frame_rate: float = _number(
        30.0, 0.1, 1000.0, 'Frames per second assumed where a frame brings no stamp')
    high_score: float = _number(
        0.4, 0.0, 1.0, 'Score from which a detection may match any track; weaker ones only '
        'continue tracks seen in the frame before, and give no embedding')
    low_score: float = _number(
        0.1, 0.0, 1.0, 'Score from which a detection is used at all')
    low_penalty: float = _number(
        0.2, 0.0, 1.0, 'What a weak detection loses in the choice between detections')
    birth_score: float = _number(
        0.55, 0.0, 1.0, 'Score from which an unmatched detection starts a track')
    birth_overlap: float = _number(
        0.35, 0.0, 1.0, 'A detection that overlaps a seen track by more than this IoU starts none')
    match_similarity: float = _number(
        0.2, 0.0, 1.0, 'Least product of IoU, height overlap and score of a match')
    recover_seconds: float = _number(
        0.5, 0.0, 3600.0, 'After an absence longer than this a track takes its velocity from '
        'the two detections around it instead of from the filter')
    measurement_noise: float = _number(
        0.05, 0.001, 1.0, 'Standard deviation of a detected coordinate, in box sides')
    position_noise: float = _number(
        0.27, 0.0, 10.0, 'Random walk of a coordinate, in box sides per square root of a second')
    velocity_noise: float = _number(
        1.0, 0.0, 100.0, 'Random walk of the velocity, in box sides per second, per square root '
        'of a second')
    appearance_weight: float = _number(
        0.2, 0.0, 10.0, 'What appearance adds to the product above in the choice between '
        'detections, per nat of evidence that both are the same person')
    scene_window: int = _number(
        2000, 0, 1000000, 'Detections over which the mean appearance of the scene is taken; '
        'similarities are measured from it; 0 measures them from zero')
    embedding_momentum: float = _number(
        0.9, 0.0, 1.0, "Share of the past in a track's smoothed embedding")
    confirm_hits: int = _number(
        2, 1, 100, 'Detections after which a new track is confirmed and given out; half a second '
        'without one, or five frame periods, ends it')
    lost_seconds: float = _number(
        4.0, 0.0, 3600.0, 'Time for which an unseen track is predicted and may come back by '
        'overlap; at least three frame periods')
    memory_seconds: float = _number(
        30.0, 0.0, 86400.0, 'Time for which an unseen track with embeddings may come back by '
        'appearance alone, wherever it is; 0 turns this off')
    recall_probability: float = _number(
        0.9, 0.5, 1.0, 'Least probability that a newcomer is the track that it looks like, '
        'for such a return')
    camera_motion: str = _choice(
        'flow', ('flow', 'off'),
        "'flow': the camera's own motion, estimated by sparse optical flow, is taken out before "
        "tracks are matched; 'off': the camera stands still")
    class_policy: str = _choice(
        'vote', ('vote', 'forbid', 'ignore'),
        "'vote': any classes match and a track takes its most frequent one; 'forbid': only equal "
        "classes match; 'ignore': any classes match and a track takes the last one seen")
    on_jump_back: str = _choice(
        'reset', ('reset', 'continue'),
        "What a stamp does that jumps back by more than five frame periods: 'reset' drops all "
        "tracks (ids go on), 'continue' keeps them and counts the frame as one frame period. "
        'Stamps that step back by less are out of order, and cost no track')

    def __post_init__(self) -> None:
        """Check every field against its declared type and range."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if 'choices' in field.metadata:
                _check_choice(field.name, value, field.metadata['choices'])
            else:
                _check_number(field.name, value, field)
        if self.low_score > self.high_score:
            raise ConfigError(
                f'low_score {self.low_score} is above high_score {self.high_score}: '
                'set low_score to at most high_score')

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TrackerConfig:
        """
        Make a configuration from a mapping such as a YAML file's content.

        :raises ConfigError: on an unknown key (with the closest known one) or a bad value.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                remedy = f"did you mean '{close[0]}'?" if close else f'known: {", ".join(known)}'
                raise ConfigError(f"unknown tracker parameter '{key}': {remedy}")
        return cls(**values)

    @classmethod
    def from_preset(cls, name: str) -> TrackerConfig:
        """
        Make the configuration of a preset.

        :param name: ``default``, ``mot`` or ``dance``.
        :raises ConfigError: where there is no preset of that name.
        """
        # YAML is read for this alone.
        from finetrack_ros.tracking.presets import preset_values

        return cls.from_mapping(preset_values(name))


def _check_number(name: str, value: Any, field: dataclasses.Field[Any]) -> None:
    low, high = field.metadata['minimum'], field.metadata['maximum']
    whole = field.type == 'int'
    kind = 'a whole number' if whole else 'a number'
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not right_type or not low <= value <= high:
        raise ConfigError(
            f'tracker parameter {name} is {value!r}: give {kind} from {low} to {high}')


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(
            f'tracker parameter {name} is {value!r}: give one of {", ".join(choices)}')
