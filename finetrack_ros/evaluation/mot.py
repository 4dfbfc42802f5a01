# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracking metrics of MOTChallenge results, computed by TrackEval."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
import difflib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.ground_truth import read_sequence, Sequence
from finetrack_ros.evaluation.identity_switches import find_switches, FrameOverlap, IdentitySwitch
from finetrack_ros.geometry import xyxy_to_tlwh
from finetrack_ros.io import MotRows, read_mot

COMBINED = 'COMBINED'
CURVES = ('HOTA', 'DetA', 'AssA')
"""The metrics that are given over alpha, too."""
SUMMARY = ('HOTA', 'DetA', 'AssA', 'LocA', 'MOTA', 'IDF1', 'IDSW', 'Frag', 'FP', 'FN', 'Frames')
"""The scores that publications compare, and the number of frames scored."""
DETAILS = ('DetRe', 'DetPr', 'AssRe', 'AssPr', 'MOTP', 'Recall', 'Precision', 'IDR', 'IDP', 'MT',
           'PT', 'ML')
"""What the former are made of."""
Scores = dict[str, float]
"""
Those of ``SUMMARY`` and ``DETAILS`` by name: percent as float, counts as int.

Where results find nothing, LocA is 100 by TrackEval's convention.
"""

_CLASS = 'pedestrian'
_TRACKER = 'results'


@dataclass(frozen=True)
class Part:
    """
    The scored frames of a sequence, and its results in them.

    :ivar first: number of the first frame, from 1.
    :ivar last: number of the last frame.
    :ivar results: rows of the results in these frames, with the sequence's own frame numbers.
    """

    sequence: Sequence
    first: int
    last: int
    results: MotRows

    @property
    def length(self) -> int:
        """Return the number of frames."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Evaluation:
    """
    What results are worth.

    :ivar parts: what was scored, by name of the sequence.
    :ivar scores: of each sequence by name, and last of all together under ``COMBINED``.
    :ivar alphas: IoU from which on HOTA counts a box as found: 0.05, 0.1, ... 0.95.
    :ivar curves: names as in ``scores``; each of ``CURVES`` in percent for each alpha. Their
        means are the scores of the same name.
    :ivar switches: of each sequence by name, in order of frames; as many as IDSW counts.
    """

    parts: dict[str, Part]
    scores: dict[str, Scores]
    alphas: list[float]
    curves: dict[str, dict[str, list[float]]]
    switches: dict[str, list[IdentitySwitch]]


def evaluate(gt_dir: str | Path, results_dir: str | Path,
             sequences: Collection[str] | None = None,
             frames: str | None = None) -> dict[str, Scores]:
    """
    Score MOTChallenge results: HOTA (Luiten et al. 2021), CLEAR MOT and IDF1.

    TrackEval computes the metrics by MOTChallenge's rules, with boxes matched at IoU 0.5 for
    CLEAR and IDF1; what counts as ground truth says
    :class:`~finetrack_ros.evaluation.ground_truth.GroundTruth`.

    :param gt_dir: a sequence folder (with ``gt/gt.txt``), or a folder of such folders.
    :param results_dir: folder of ``<sequence>.txt`` files; for one sequence also the file itself.
    :param sequences: names to score; None scores all in ``gt_dir``.
    :param frames: part of each sequence to score, as
        :func:`~finetrack_ros.datasets.frame_ranges.frame_range` reads it; None scores all.
    :return: scores of each sequence by name, and last of all together under ``COMBINED``.
    :raises SourceError: where a file is missing or malformed, or has nothing to score.
    """
    return evaluate_parts(read_parts(gt_dir, results_dir, sequences, frames)).scores


def score_tracks(sequences: Iterable[Sequence], results: Iterable[MotRows],
                 frames: str | None = None) -> dict[str, Scores]:
    """
    Score tracks that are at hand as :func:`evaluate` scores those in files.

    :param sequences: of different names.
    :param results: tracks of each of them, with ids from 0 and each id once in a frame.
    """
    parts = [_part(*pair, frames) for pair in zip(sequences, results, strict=True)]
    return evaluate_parts(parts).scores


def read_parts(gt_dir: str | Path, results_dir: str | Path,
               sequences: Collection[str] | None = None, frames: str | None = None
               ) -> list[Part]:
    """Read what :func:`evaluate` scores, which tells the parameters and errors."""
    chosen = find_sequences(Path(gt_dir), sequences)
    parts = []
    for sequence in chosen:
        file = _result_file(Path(results_dir), sequence, len(chosen))
        rows = read_mot(file)
        _check_results(rows, file, sequence)
        parts.append(_part(sequence, rows, frames))
    return parts


def evaluate_parts(parts: Iterable[Part]) -> Evaluation:
    """
    Score sequences of different names as :func:`evaluate` does, and tell where ids switch.

    :raises SourceError: where a part has no ground truth to score.
    """
    by_name = {part.sequence.name: part for part in parts}
    for part in by_name.values():
        _check_truth(part)
    with TemporaryDirectory(prefix='finetrack_eval_') as folder:
        for part in by_name.values():
            _write_truth(Path(folder), part)
            _write_results(Path(folder), part)
        return _run_trackeval(Path(folder), by_name)


def find_sequences(gt_dir: Path, names: Collection[str] | None = None) -> list[Sequence]:
    """
    Read the ground truth of a sequence folder, or of the sequence folders in a folder.

    :param names: those to read; None reads all.
    :raises SourceError: where there is none, or one is malformed.
    """
    if (gt_dir / 'gt' / 'gt.txt').is_file():
        folders = {gt_dir.resolve().name: gt_dir}
    elif gt_dir.is_dir():
        folders = {path.name: path for path in sorted(gt_dir.iterdir())
                   if (path / 'gt' / 'gt.txt').is_file()}
    else:
        folders = {}
    if not folders:
        raise SourceError(f"'{gt_dir}' holds no ground truth. Give a sequence folder with "
                          'gt/gt.txt, or a folder of such sequence folders.')
    for name in names or ():
        if name not in folders:
            known = difflib.get_close_matches(name, folders, 3, 0) or list(folders)
            raise SourceError(f"Sequence '{name}' is not in '{gt_dir}'. Choose from: "
                              f'{", ".join(known)}.')
    return [read_sequence(folder) for name, folder in folders.items()
            if not names or name in names]


def _result_file(results: Path, sequence: Sequence, count: int) -> Path:
    if results.is_file() and count == 1:
        return results
    file = results / f'{sequence.name}.txt'
    if not file.is_file():
        raise SourceError(f"Results '{file}' do not exist. Write the tracks of each sequence to "
                          '<sequence>.txt in one folder, or choose the sequences to score.')
    return file


def _part(sequence: Sequence, rows: MotRows, frames: str | None) -> Part:
    first, last = frame_range(frames, sequence.length)
    return Part(sequence, first, last, rows[(rows.frames >= first) & (rows.frames <= last)])


def _inside(part: Part) -> NDArray[np.bool_]:
    """Return which rows of the ground truth lie in the scored frames, [N]."""
    frames = part.sequence.truth.frames
    return (frames >= part.first) & (frames <= part.last)


def _write_truth(folder: Path, part: Part) -> None:
    truth = part.sequence.truth
    table = np.column_stack([
        truth.frames - part.first + 1, truth.ids, xyxy_to_tlwh(truth.boxes), truth.scored,
        truth.classes, truth.visibility])
    _write_table(folder / 'gt' / part.sequence.name / 'gt.txt', table[_inside(part)])


def _write_results(folder: Path, part: Part) -> None:
    rows = part.results
    # Numbered anew from 0, because TrackEval allocates an array up to the highest id.
    ids = np.unique(rows.ids, return_inverse=True)[1]
    # No metric looks at the scores. Row numbers in their place tell which rows TrackEval kept.
    table = np.column_stack([rows.frames - part.first + 1, ids, xyxy_to_tlwh(rows.boxes),
                             np.arange(len(rows))])
    _write_table(folder / _TRACKER / f'{part.sequence.name}.txt', table)


def _check_truth(part: Part) -> None:
    scored = part.sequence.truth.frames[part.sequence.truth.scored]
    if not np.any((scored >= part.first) & (scored <= part.last)):
        raise SourceError(
            f'{part.sequence.name} has no ground truth to score in the frames {part.first} to '
            f'{part.last}, only in {scored.min()} to {scored.max()}. Choose frames with some, or '
            'leave the sequence out.')


def _check_results(rows: MotRows, file: Path, sequence: Sequence) -> None:
    if not len(rows):
        return
    if rows.ids.min() < 0:
        raise SourceError(f"Results '{file}' have the id {rows.ids.min()}. Give tracks with ids "
                          'from 0, not detections.')
    if rows.frames.max() > sequence.length:
        raise SourceError(f"Results '{file}' have frame {rows.frames.max()}, but {sequence.name} "
                          f'has {sequence.length}. Give the results of this very sequence.')
    pairs, counts = np.unique(np.stack([rows.frames, rows.ids]), axis=1, return_counts=True)
    if counts.max() > 1:
        frame, track_id = pairs[:, counts.argmax()]
        raise SourceError(f"Results '{file}' have the id {track_id} twice in frame {frame}. Write "
                          'each track once per frame.')


def _write_table(path: Path, table: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, table, fmt='%.10g', delimiter=',')


def _run_trackeval(folder: Path, parts: dict[str, Part]) -> Evaluation:
    """Score ``folder/results/<sequence>.txt`` against ``folder/gt/<sequence>/gt.txt``."""
    import trackeval

    quiet = {'PRINT_CONFIG': False}
    dataset_config = quiet | {
        'GT_FOLDER': str(folder / 'gt'), 'GT_LOC_FORMAT': '{gt_folder}/{seq}/gt.txt',
        'TRACKERS_FOLDER': str(folder), 'TRACKERS_TO_EVAL': [_TRACKER], 'TRACKER_SUB_FOLDER': '',
        'BENCHMARK': 'MOT17', 'SKIP_SPLIT_FOL': True,
        'SEQ_INFO': {name: part.length for name, part in parts.items()}}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(quiet),
               trackeval.metrics.Identity(quiet)]
    by_metric: list[dict[str, dict[str, Any]]] = [{} for _ in metrics]
    switches = {}
    try:
        dataset = trackeval.datasets.MotChallenge2DBox(dataset_config)
        for name, part in parts.items():
            data = dataset.get_preprocessed_seq_data(
                dataset.get_raw_seq_data(_TRACKER, name), _CLASS)
            for metric, results in zip(metrics, by_metric, strict=True):
                results[name] = metric.eval_sequence(data)
            switches[name] = find_switches(_overlaps(part, data))
    except trackeval.utils.TrackEvalException as error:
        raise SourceError(f'TrackEval refuses the ground truth or the results: {error}. Correct '
                          'the named sequence.') from error
    for metric, results in zip(metrics, by_metric, strict=True):
        results[COMBINED] = metric.combine_sequences(results)
    lengths = {name: part.length for name, part in parts.items()}
    lengths[COMBINED] = sum(lengths.values())
    return Evaluation(
        parts, {name: _scores([results[name] for results in by_metric], length)
                for name, length in lengths.items()},
        [round(float(alpha), 2) for alpha in metrics[0].array_labels],
        {name: {curve: (100 * hota[curve]).tolist() for curve in CURVES}
         for name, hota in by_metric[0].items()}, switches)


def _overlaps(part: Part, data: dict[str, Any]) -> Iterator[FrameOverlap]:
    """Yield what TrackEval compares, frame by frame, with the ids of ground truth and results."""
    truth = part.sequence.truth
    # TrackEval numbers the ids of ground truth that it keeps from 0, in rising order.
    truth_ids = np.unique(truth.ids[_inside(part) & truth.scored])
    for step, similarity in enumerate(data['similarity_scores']):
        kept = data['tracker_confidences'][step].astype(np.int64)
        yield FrameOverlap(part.first + step, truth_ids[data['gt_ids'][step].astype(np.int64)],
                           part.results.ids[kept], similarity)


def _scores(parts: list[dict[str, Any]], frames: int) -> Scores:
    """Take the figures that users compare out of what HOTA, CLEAR and Identity give."""
    hota, clear, identity = parts
    means = {name: hota[name].mean() for name in
             ('HOTA', 'DetA', 'AssA', 'LocA', 'DetRe', 'DetPr', 'AssRe', 'AssPr')}
    percent = {**means, 'MOTA': clear['MOTA'], 'MOTP': clear['MOTP'], 'Recall': clear['CLR_Re'],
               'Precision': clear['CLR_Pr'], **{name: identity[name]
                                                for name in ('IDF1', 'IDR', 'IDP')}}
    counts = {'FP': clear['CLR_FP'], 'FN': clear['CLR_FN'], 'Frames': frames,
              **{name: clear[name] for name in ('IDSW', 'Frag', 'MT', 'PT', 'ML')}}
    values = {**{name: 100.0 * float(value) for name, value in percent.items()},
              **{name: int(value) for name, value in counts.items()}}
    return {name: values[name] for name in (*SUMMARY, *DETAILS)}
