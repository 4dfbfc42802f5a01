# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ground truth of MOTChallenge sequences, and what its rows mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.mot import CROWD, DISTRACTOR_CLASSES, PEDESTRIAN
from finetrack_ros.errors import SourceError
from finetrack_ros.io import MotRows, read_mot, read_seqinfo

DISTRACTOR = 8


@dataclass(frozen=True)
class GroundTruth:
    """
    Ground truth of one sequence; row i of every array belongs to one box of one frame.

    The two layouts of MOTChallenge are brought to one meaning:

    * 9 columns (MOT16, MOT17, MOT20, DanceTrack), ``frame,id,left,top,width,height,flag,class,
      visibility``: class 1 with a flag other than 0 is scored. Classes 2, 7, 8 and 12 are
      distractors: a result that matches one is left out. All other rows are as if absent.
    * 10 columns (MOT15), ``frame,id,left,top,width,height,flag,x,y,z``: the consider flag decides.
      Rows with another flag than 0 are scored; rows with flag 0 become distractors.

    :ivar frames: int64 [N], from 1.
    :ivar ids: int64 [N].
    :ivar boxes: float64 [N, 4], left, top, right, bottom in pixels.
    :ivar classes: int64 [N], MOTChallenge class (1 pedestrian, ... 12 reflection).
    :ivar scored: bool [N], rows that results must find.
    :ivar distractors: bool [N], rows that results may find without reward or penalty.
    :ivar visibility: float64 [N] in 0..1; 1 where the layout has none.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    scored: NDArray[np.bool_]
    distractors: NDArray[np.bool_]
    visibility: NDArray[np.float64]


@dataclass(frozen=True)
class Sequence:
    """
    A MOTChallenge sequence with ground truth.

    :ivar name: folder name, which result files share.
    :ivar folder: holds ``gt/gt.txt`` and mostly ``seqinfo.ini`` and ``img1/``.
    :ivar length: number of frames.
    """

    name: str
    folder: Path
    length: int
    truth: GroundTruth


def read_ground_truth(path: str | Path) -> GroundTruth:
    """
    Read a MOTChallenge ``gt.txt`` of 9 or 10 columns.

    :raises SourceError: where the file is missing, empty, malformed or of another layout, or has
        no row that is scored.
    """
    rows = read_mot(path)
    if not len(rows):
        raise SourceError(f"Ground truth '{path}' has no rows. Give the gt.txt of a sequence "
                          'whose ground truth is published.')
    columns = 7 + rows.extra.shape[1]
    if columns not in (9, 10):
        raise SourceError(f"Ground truth '{path}' has {columns} columns. Give MOT16-style text of "
                          '9 columns (flag, class, visibility) or MOT15-style text of 10.')
    if columns == 9:
        _check_classes(rows, path)
    truth = _with_classes(rows) if columns == 9 else _with_consider_flag(rows)
    if not truth.scored.any():
        raise SourceError(f"Ground truth '{path}' has nothing to score. "
                          + (_tell_classes(rows) if columns == 9 else
                             'All its consider flags (7th value) are 0. Set those of the boxes '
                             'to be found to 1.'))
    return truth


def _tell_classes(rows: MotRows) -> str:
    """Say which classes ground truth of 9 columns holds, and what to do about it."""
    found = []
    for number in np.unique(rows.extra[:, 0]).astype(np.int64).tolist():
        mine = rows.extra[:, 0] == number
        off = '' if rows.values[mine].any() else ' with flag 0'
        found.append(f'{mine.sum()} x class {number}{off}')
    return (f'It holds {", ".join(found)}, but only class {PEDESTRIAN} (8th value) with a flag '
            f'(7th value) other than 0 counts. Give the boxes to be found class {PEDESTRIAN} and '
            'flag 1.')


def _check_classes(rows: MotRows, path: str | Path) -> None:
    """Raise SourceError where a class is none of MOTChallenge's."""
    classes = rows.extra[:, 0]
    wrong = np.flatnonzero(~np.isin(classes, np.arange(PEDESTRIAN, CROWD + 1)))
    if len(wrong):
        row = wrong[0]
        raise SourceError(f"Ground truth '{path}' has {len(wrong)} row(s) of no class of "
                          f'MOTChallenge, such as {classes[row]:g} (8th value) in frame '
                          f'{rows.frames[row]}. Write whole numbers from {PEDESTRIAN} '
                          f'(pedestrian) to {CROWD} (crowd), {PEDESTRIAN} for those to be found.')


def _with_classes(rows: MotRows) -> GroundTruth:
    classes = rows.extra[:, 0].astype(np.int64)
    return GroundTruth(
        rows.frames, rows.ids, rows.boxes, classes,
        scored=(classes == PEDESTRIAN) & (rows.values != 0),
        distractors=np.isin(classes, DISTRACTOR_CLASSES), visibility=rows.extra[:, 1])


def _with_consider_flag(rows: MotRows) -> GroundTruth:
    scored = rows.values != 0
    return GroundTruth(
        rows.frames, rows.ids, rows.boxes, np.where(scored, PEDESTRIAN, DISTRACTOR),
        scored=scored, distractors=~scored, visibility=np.ones(len(rows)))


def read_sequence(folder: str | Path) -> Sequence:
    """
    Read the ground truth of a sequence folder; its length is that of ``seqinfo.ini``.

    Without ``seqinfo.ini`` the sequence ends with the last frame that has ground truth.

    :raises SourceError: where ground truth or ``seqinfo.ini`` cannot be read.
    """
    folder = Path(folder)
    truth = read_ground_truth(folder / 'gt' / 'gt.txt')
    last = int(truth.frames.max())
    if not (folder / 'seqinfo.ini').is_file():
        return Sequence(folder.resolve().name, folder, last, truth)
    length = read_seqinfo(folder).length
    if length is None:
        raise SourceError(f"'{folder / 'seqinfo.ini'}' states no length. Write seqLength = number "
                          'of frames in its [Sequence] section.')
    if last > length:
        raise SourceError(f"'{folder}' has ground truth for frame {last}, but its seqinfo.ini "
                          f'states seqLength={length}. Correct one of them.')
    return Sequence(folder.resolve().name, folder, length, truth)
