# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where results change the id of a person, by the rules of CLEAR MOT."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_IOU = 0.5
_KEEP = 1000


@dataclass(frozen=True)
class FrameOverlap:
    """
    How results overlap ground truth in one frame.

    :ivar frame: number of the frame, from 1.
    :ivar truth_ids: int64 [N], of the people to be found.
    :ivar result_ids: int64 [M], 0 or more, of the results that count.
    :ivar iou: float64 [N, M].
    """

    frame: int
    truth_ids: NDArray[np.int64]
    result_ids: NDArray[np.int64]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class IdentitySwitch:
    """
    A person's change from one id to another.

    :ivar truth_id: the person's id in ground truth.
    :ivar frame: number of the first frame with the new id.
    :ivar last_frame: number of the last frame before with the old id; the person was unmatched
        in between, if anything is.
    :ivar old_id: id in the results before.
    :ivar new_id: id in the results from ``frame`` on.
    :ivar old_frames: frames in which the person had the old id since it last got it.
    :ivar new_frames: frames in which the person has the new id until it next loses it.
    :ivar seen_on: ground truth id of whom the new id was last matched to before, who may be this
        very person; None where it is new.
    """

    truth_id: int
    frame: int
    last_frame: int
    old_id: int
    new_id: int
    old_frames: int
    new_frames: int
    seen_on: int | None

    @property
    def severity(self) -> tuple[int, int]:
        """
        Return what worse switches have more of: the shorter of the two ids' spells, and their sum.

        A switch between two ids that both last tears a track apart; one to an id that vanishes
        again after a frame is a flicker.
        """
        return min(self.old_frames, self.new_frames), self.old_frames + self.new_frames


@dataclass
class _Spell:
    """A person's time with one id."""

    result_id: int
    first: int
    last: int
    frames: int
    seen_on: int | None


def find_switches(overlaps: Iterable[FrameOverlap]) -> list[IdentitySwitch]:
    """
    Return the identity switches of a sequence, in order of frames.

    They are those that CLEAR MOT counts (Bernardin and Stiefelhagen 2008, as TrackEval computes
    it): the person is matched, and was last matched to another id, however long ago.

    :param overlaps: of all frames, in order.
    """
    spells: dict[int, list[_Spell]] = defaultdict(list)
    last_on: dict[int, int] = {}
    for frame, pairs in _match(overlaps):
        for truth_id, result_id in pairs.items():
            mine = spells[truth_id]
            if not mine or mine[-1].result_id != result_id:
                mine.append(_Spell(result_id, frame, frame, 0, last_on.get(result_id)))
            mine[-1].last = frame
            mine[-1].frames += 1
        last_on.update({result_id: truth_id for truth_id, result_id in pairs.items()})
    found = [IdentitySwitch(truth_id, new.first, old.last, old.result_id, new.result_id,
                            old.frames, new.frames, new.seen_on)
             for truth_id, mine in spells.items() for old, new in pairwise(mine)]
    return sorted(found, key=lambda switch: (switch.frame, switch.truth_id))


def _match(overlaps: Iterable[FrameOverlap]) -> Iterator[tuple[int, dict[int, int]]]:
    """
    Yield each frame's matches: result id by ground truth id.

    Boxes may match from IoU 0.5 on. Pairs of the frame before stay together where they may; the
    rest is matched for the largest sum of IoU.
    """
    from scipy.optimize import linear_sum_assignment

    before: dict[int, int] = {}
    tolerance = np.finfo(np.float64).eps
    for overlap in overlaps:
        # TrackEval keeps the pairs over frames in which there is nothing to match.
        if overlap.iou.size == 0:
            continue
        last = np.array([before.get(truth_id, -1) for truth_id in overlap.truth_ids.tolist()])
        value = _KEEP * (last[:, None] == overlap.result_ids) + overlap.iou
        value[overlap.iou < _IOU - tolerance] = 0
        rows, columns = linear_sum_assignment(-value)
        matched = value[rows, columns] > tolerance
        before = dict(zip(overlap.truth_ids[rows[matched]].tolist(),
                          overlap.result_ids[columns[matched]].tolist(), strict=True))
        yield overlap.frame, before
