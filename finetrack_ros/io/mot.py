# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MOTChallenge text: one line per box, ``frame,id,left,top,width,height,score,...``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import tlwh_to_xyxy, valid_boxes, xyxy_to_tlwh

_MIN_COLUMNS = 6
_SCORE = 6
#: Days of video; beyond, it is a time stamp that somebody took for a frame number.
MAX_FRAME = 10_000_000


class ScoredTracks(Protocol):
    """The part of a tracker's output that a MOT file holds."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Return int64 [M]."""

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Return float32 [M, 4], left, top, right, bottom in pixels."""

    @property
    def scores(self) -> NDArray[np.float32]:
        """Return float32 [M] in 0..1."""


@dataclass(frozen=True)
class MotRows:
    """
    Rows of a MOTChallenge file in file order; row i of every array belongs to line i.

    :ivar frames: int64 [N], frame numbers from 1.
    :ivar ids: int64 [N], identity; -1 where a detection file has none.
    :ivar boxes: float64 [N, 4], left, top, right, bottom in pixels.
    :ivar values: float64 [N], the 7th column: the score of a result or detection, the consider
        flag (0 or 1) of ground truth; 1 where the file has six columns.
    :ivar extra: float64 [N, E], the columns after the 7th: class and visibility in the 9-column
        ground truth of MOT16 and later, world coordinates in 10-column files.
    :ivar has_values: whether the file has the 7th column.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    values: NDArray[np.float64]
    extra: NDArray[np.float64]
    has_values: bool = True

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frames)

    def __getitem__(self, index: NDArray[np.generic] | slice) -> MotRows:
        """Return the rows that an index array, mask or slice selects."""
        return MotRows(self.frames[index], self.ids[index], self.boxes[index],
                       self.values[index], self.extra[index], self.has_values)


def read_mot(path: str | Path) -> MotRows:
    """
    Read a MOTChallenge result, detection or ground truth file of 6 to 10 columns.

    An empty file gives no rows. Coordinates are taken as they stand.

    :raises SourceError: where the file is missing or a line is not such a row.
    """
    path = Path(path)
    try:
        # Windows puts a mark before UTF-8.
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"MOT file '{path}' cannot be read ({error}). Give a text file of lines "
                          'frame,id,left,top,width,height,...') from error
    rows = [_parse_line(path, number, line)
            for number, line in enumerate(lines, 1) if line.strip()]
    if len({len(row) for row in rows}) > 1:
        raise SourceError(f"MOT file '{path}' has lines of different lengths. Give every line the "
                          'same number of columns.')
    table = np.array(rows, np.float64) if rows else np.zeros((0, _MIN_COLUMNS))
    boxes = tlwh_to_xyxy(table[:, 2:6]).astype(np.float64, copy=False)
    has_values = table.shape[1] > _SCORE
    values = table[:, _SCORE] if has_values else np.ones(len(table))
    return MotRows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64),
                   boxes, values, table[:, _SCORE + 1:], has_values)


def _parse_line(path: Path, number: int, line: str) -> list[float]:
    """Return the numbers of one line, separated by commas or blanks."""
    fields = line.split(',') if ',' in line else line.split()
    try:
        row = [float(field) for field in fields]
    except ValueError:
        row = []
    if len(row) < _MIN_COLUMNS or not np.isfinite(row[:_SCORE + 1]).all() or row[0] < 1:
        raise SourceError(f"MOT file '{path}', line {number}: '{line[:80]}' is not a MOTChallenge "
                          'row. Write frame,id,left,top,width,height,... with frames from 1.')
    for name, value in (('frame number', row[0]), ('id', row[1])):
        if value != int(value):
            raise SourceError(f"MOT file '{path}', line {number}: the {name} {value:g} is no "
                              f'whole number. Write each {name} as one.')
    if row[0] > MAX_FRAME:
        raise SourceError(f"MOT file '{path}', line {number}: the frame number {row[0]:.15g} is "
                          'that of no video; is it a time stamp? Number the frames from 1.')
    return row


class MotDetections:
    """
    Detections of a MOTChallenge text, by frame; the order of the frames in the text is free.

    :ivar last_frame: number of the last frame that has detections.
    :ivar dropped: rows left out because their box has no width or height.
    """

    def __init__(self, rows: MotRows) -> None:
        """Sort rows, of which there is at least one, by frame; their values are the scores."""
        usable = valid_boxes(rows.boxes)
        self.dropped = len(usable) - int(usable.sum())
        self.last_frame = int(rows.frames.max())
        rows = rows[usable]
        rows = rows[np.argsort(rows.frames, kind='stable')]
        self._frames = rows.frames
        self._detections = Detections(
            rows.boxes.astype(np.float32), rows.values.astype(np.float32),
            np.zeros(len(rows), np.int32))

    def __len__(self) -> int:
        """Return the number of detections in all frames."""
        return len(self._detections)

    @property
    def scores(self) -> NDArray[np.float32]:
        """Return the scores of all detections, float32 [N]."""
        return self._detections.scores

    def frames(self, last: int, most_empty: int) -> list[int]:
        """
        Return the numbers of the frames from 1 to ``last``, the empty ones too.

        :param most_empty: of a longer stretch of empty frames, only so many are given.
        """
        ends = np.unique(self._frames[self._frames <= last])
        starts = np.concatenate([[0], ends]) + 1
        ends = np.minimum(np.append(ends - 1, last), starts + most_empty - 1)
        return [number for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
                for number in range(start - (start > 1), end + 1)]

    def of_frame(self, number: int) -> Detections:
        """Return the detections of the frame with this number (from 1), of class 0."""
        first, last = np.searchsorted(self._frames, (number, number + 1))
        return self._detections[first:last]


def read_detections(path: str | Path,
                    score_range: tuple[float, float] | None = None) -> MotDetections:
    """
    Read the detections of a sequence, such as ``det/det.txt``; identities in it are ignored.

    :param score_range: scores that mean 0 and 1, for detectors whose scores are not in 0..1:
        those between are mapped linearly, those beyond are cut off.
    :raises SourceError: where the file is unreadable, empty, malformed or without scores, or a
        score lies outside 0..1 and no range is given.
    """
    rows = read_mot(path)
    if not len(rows):
        raise SourceError(f"Detections '{path}' have no rows. Give a text file of lines "
                          'frame,-1,left,top,width,height,score')
    if not rows.has_values:
        raise SourceError(f"Detections '{path}' have no scores. Append to each line, as its 7th "
                          "value, the detector's confidence in 0..1.")
    scores = rows.values
    if score_range is not None:
        low, high = score_range
        scores = np.clip((scores - low) / (high - low), 0, 1)
    elif scores.min() < 0 or scores.max() > 1:
        raise SourceError(
            f"Detections '{path}' have scores from {scores.min():.3g} to {scores.max():.3g}, but "
            "the tracker's thresholds are of 0..1. Map them with a score range of what shall be 0 "
            f'and what 1, such as --score-range={_suggest_range(scores)}')
    return MotDetections(replace(rows, values=scores))


def _suggest_range(scores: NDArray[np.float64]) -> str:
    """Return a range that spreads scores; where all are alike, one that makes each certain."""
    high = float(np.quantile(scores, 0.95))
    low = 0.0 if high > 0 else float(scores.min())
    if float(f'{low:.3g}') >= float(f'{high:.3g}'):
        low = high - 1
    return f'{low:.3g}:{high:.3g}'


class MotWriter:
    """
    Write tracks as MOTChallenge result text; a context manager.

    Ten columns: frame, id, left, top, width, height, score, and -1 for x, y, z, with boxes in
    pixels of the source image.
    """

    def __init__(self, path: str | Path) -> None:
        """Create the file and its folder; raises SourceError where that is not allowed."""
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open('w', encoding='utf-8')
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> SourceError:
        return SourceError(f"Output '{self.path}' cannot be written ({error.strerror}). Choose a "
                           'file in a folder where you may write, on a disk with room.')

    def write(self, frame_index: int, tracks: ScoredTracks) -> None:
        """
        Append one line per track of the frame with this number (from 1).

        :raises SourceError: where the disk is full, or gone.
        """
        boxes = xyxy_to_tlwh(tracks.boxes)
        for track_id, box, score in zip(tracks.ids, boxes, tracks.scores, strict=True):
            left, top, width, height = box
            line = (f'{frame_index},{track_id},{left:.2f},{top:.2f},{width:.2f},{height:.2f},'
                    f'{score:.4f},-1,-1,-1\n')
            try:
                self._file.write(line)
            except OSError as error:
                raise self._failure(error) from error

    def close(self) -> None:
        """Finish the file; SourceError where what is left does not fit on the disk."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> MotWriter:
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Finish the file."""
        self.close()
