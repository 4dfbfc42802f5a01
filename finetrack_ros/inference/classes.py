# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which of a model's classes are tracked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
import difflib

from finetrack_ros.errors import ConfigError

ALL = 'all'
PERSON = 'person'
# A list of 80 names is no help in a message.
_MOST_LISTED = 12


def choose_classes(wanted: Iterable[str], class_names: Sequence[str]) -> list[str]:
    """
    Return the names of the classes that a user's choice means, in the model's order.

    :param wanted: names of classes, or ``all``. None, or only empty ones, is ``person`` where the
        model knows it, else all.
    :param class_names: those that the model knows.
    :raises ConfigError: where a name is unknown, with those that are like it.
    """
    names = {name.strip() for name in wanted} - {''}
    if not names:
        names = {PERSON} if PERSON in class_names else {ALL}
    for name in sorted(names - {ALL, *class_names}):
        raise ConfigError(f"class '{name}' is unknown to the model: {_remedy(name, class_names)}")
    return [name for name in class_names if ALL in names or name in names]


def _remedy(name: str, class_names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.lower(), class_names, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    listed = ', '.join(class_names[:_MOST_LISTED])
    more = len(class_names) - _MOST_LISTED
    return f'it knows {listed}{f" and {more} more" if more > 0 else ""}, or give {ALL}'
