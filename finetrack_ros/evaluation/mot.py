# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracking metrics of MOTChallenge results, computed by TrackEval."""

from __future__ import annotations

from collections.abc import Collection, Iterable
import difflib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.ground_truth import read_sequence, Sequence
from finetrack_ros.geometry import xyxy_to_tlwh
from finetrack_ros.io import MotRows, read_mot

COMBINED = 'COMBINED'
Scores = dict[str, float]
"""HOTA, DetA, AssA, MOTA, IDF1 in percent; IDSW, FP, FN and Frames as counts."""

_CLASS = 'pedestrian'
_TRACKER = 'results'


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
    :raises SourceError: where a file is missing or malformed.
    """
    chosen = find_sequences(Path(gt_dir), sequences)
    results = []
    for sequence in chosen:
        file = _result_file(Path(results_dir), sequence, len(chosen))
        results.append(read_mot(file))
        _check_results(results[-1], file, sequence)
    return score_tracks(chosen, results, frames)


def score_tracks(sequences: Iterable[Sequence], results: Iterable[MotRows],
                 frames: str | None = None) -> dict[str, Scores]:
    """
    Score tracks that are at hand as :func:`evaluate` scores those in files.

    :param sequences: of different names.
    :param results: tracks of each of them, with ids from 0 and each id once in a frame.
    """
    with TemporaryDirectory(prefix='finetrack_eval_') as folder:
        lengths = {}
        for sequence, rows in zip(sequences, results, strict=True):
            first, last = frame_range(frames, sequence.length)
            _write_truth(Path(folder), sequence, first, last)
            _write_results(Path(folder), sequence, rows, first, last)
            lengths[sequence.name] = last - first + 1
        return _run_trackeval(Path(folder), lengths)


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


def _write_truth(folder: Path, sequence: Sequence, first: int, last: int) -> None:
    truth = sequence.truth
    table = np.column_stack([
        truth.frames - first + 1, truth.ids, xyxy_to_tlwh(truth.boxes), truth.scored,
        truth.classes, truth.visibility])
    inside = (truth.frames >= first) & (truth.frames <= last)
    _write_table(folder / 'gt' / sequence.name / 'gt.txt', table[inside])


def _write_results(folder: Path, sequence: Sequence, rows: MotRows, first: int, last: int
                   ) -> None:
    rows = rows[(rows.frames >= first) & (rows.frames <= last)]
    # Numbered anew from 0, because TrackEval allocates an array up to the highest id.
    ids = np.unique(rows.ids, return_inverse=True)[1]
    table = np.column_stack([rows.frames - first + 1, ids, xyxy_to_tlwh(rows.boxes), rows.values])
    _write_table(folder / _TRACKER / f'{sequence.name}.txt', table)


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


def _run_trackeval(folder: Path, lengths: dict[str, int]) -> dict[str, Scores]:
    """Score ``folder/results/<sequence>.txt`` against ``folder/gt/<sequence>/gt.txt``."""
    import trackeval

    quiet = {'PRINT_CONFIG': False}
    dataset_config = quiet | {
        'GT_FOLDER': str(folder / 'gt'), 'GT_LOC_FORMAT': '{gt_folder}/{seq}/gt.txt',
        'TRACKERS_FOLDER': str(folder), 'TRACKERS_TO_EVAL': [_TRACKER], 'TRACKER_SUB_FOLDER': '',
        'BENCHMARK': 'MOT17', 'SKIP_SPLIT_FOL': True, 'SEQ_INFO': lengths}
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(quiet),
               trackeval.metrics.Identity(quiet)]
    try:
        dataset = trackeval.datasets.MotChallenge2DBox(dataset_config)
        data = {name: dataset.get_preprocessed_seq_data(
            dataset.get_raw_seq_data(_TRACKER, name), _CLASS) for name in lengths}
    except trackeval.utils.TrackEvalException as error:
        raise SourceError(f'TrackEval refuses the ground truth or the results: {error}. Correct '
                          'the named sequence.') from error
    by_metric = [{name: metric.eval_sequence(part) for name, part in data.items()}
                 for metric in metrics]
    table = {name: _scores([results[name] for results in by_metric], length)
             for name, length in lengths.items()}
    table[COMBINED] = _scores([metric.combine_sequences(results)
                               for metric, results in zip(metrics, by_metric, strict=True)],
                              sum(lengths.values()))
    return table


def _scores(parts: list[dict[str, Any]], frames: int) -> Scores:
    """Take the figures that users compare out of what HOTA, CLEAR and Identity give."""
    hota, clear, identity = parts
    percent = {'HOTA': hota['HOTA'].mean(), 'DetA': hota['DetA'].mean(),
               'AssA': hota['AssA'].mean(), 'MOTA': clear['MOTA'], 'IDF1': identity['IDF1']}
    counts = {'IDSW': clear['IDSW'], 'FP': clear['CLR_FP'], 'FN': clear['CLR_FN'],
              'Frames': frames}
    return {**{name: 100.0 * float(value) for name, value in percent.items()},
            **{name: int(value) for name, value in counts.items()}}
