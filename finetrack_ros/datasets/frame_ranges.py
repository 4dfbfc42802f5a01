# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a video in words."""

from __future__ import annotations

from finetrack_ros.errors import SourceError


def frame_range(frames: str | None, length: int) -> tuple[int, int]:
    """
    Return the first and last frame (inclusive, from 1) that a range in words means.

    Half of an odd number differs by one frame between publications: ``train-half`` and
    ``val-half`` are the halves of ByteTrack (Zhang et al., ECCV 2022; its
    ``tools/convert_mot17_to_coco.py``), whose first half has one frame more than ours.

    :param frames: None (all), ``first-half`` (1 to length // 2), ``second-half`` (the rest),
        ``train-half`` (1 to length // 2 + 1), ``val-half`` (the rest), or ``FIRST:LAST`` where
        either may be left out.
    :param length: number of frames of the sequence.
    :raises SourceError: where the range is not understood or holds no frame.
    """
    half = length // 2
    named = {None: (1, length), 'first-half': (1, half), 'second-half': (half + 1, length),
             'train-half': (1, half + 1), 'val-half': (half + 2, length)}
    start, end = named[frames] if frames in named else _parse(str(frames), length)
    if not 1 <= start <= end <= length:
        raise SourceError(f"Frame range '{frames}' holds none of the frames 1 to {length}. Give "
                          'FIRST:LAST within them.')
    return start, end


def _parse(frames: str, length: int) -> tuple[int, int]:
    first, colon, last = frames.partition(':')
    is_number = all(part == '' or part.isdecimal() for part in (first, last))
    if not colon or not is_number:
        raise SourceError(f"Frame range '{frames}' is not understood. Give first-half, "
                          'second-half, train-half, val-half or FIRST:LAST, such as 263:525.')
    return int(first or 1), min(int(last or length), length)
