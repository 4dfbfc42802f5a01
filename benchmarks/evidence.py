# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""
Draw what the documentation shows of a model: part masks, retrieval, an occlusion, precision.

Pictures of people come from the demo clip alone; of DATA's images only curves are drawn. People
are chosen by rules, which the captions state, and not by eye. Needs torch for the masks.

    python benchmarks/evidence.py --data DATA --clip "$(tools/fetch_clip.sh)" \
        --model finetrack_nano --before OLD_MODEL --output docs/figures
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from evidence_figures import draw_occlusion, draw_parts, draw_retrieval, Ranked
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track as progress

from finetrack_ros.evaluation.detection import PrecisionRecall
from finetrack_ros.evaluation.detection_sets import precision_on, read_detection_set
from finetrack_ros.evaluation.model_page import precision_recall_figure
from finetrack_ros.evaluation.model_report import AP_SCORE_THRESHOLD, person_detector
from finetrack_ros.evaluation.peers import YoloxDetector
from finetrack_ros.evaluation.reid_sets import MIN_GAP
from finetrack_ros.geometry import box_area, clip_boxes
from finetrack_ros.inference import FineTrackRunner, load_model
from finetrack_ros.inference.loading import model_folder
from finetrack_ros.inference.preprocessing import crop_targets, letterbox
from finetrack_ros.io import open_source
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.tracking.scene import SceneMean

Image = NDArray[np.uint8]
PICTURE = (192, 80)
MIN_HEIGHT = 70
MASKED_PEOPLE, SEARCHED_PEOPLE = 4, 5
RANKS = 9
# Frames between two crops of one track in the gallery: neighbours are as good as equal.
GALLERY_STEP = 20
# Two tracks seen together for as many frames are two people.
TOGETHER = 20
AROUND = 30


@dataclass(frozen=True)
class Sightings:
    """
    All that was tracked in a clip; row i of every array is one track in one frame.

    :ivar vectors: float32 [N, D], embedding of what was detected in the frame.
    :ivar memory: float32 [N, D], the track's embedding before that; zero where it had none.
    :ivar pictures: BGR crops, uint8 [rows, columns, 3] each.
    :ivar best_frame: the image that shows most people well, and their boxes, float32 [P, 4].
    :ivar scene: the mean of all vectors.
    """

    frames: NDArray[np.int64]
    stamps: NDArray[np.float64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    vectors: NDArray[np.float32]
    memory: NDArray[np.float32]
    pictures: list[Image]
    best_frame: tuple[Image, NDArray[np.float32]]
    scene: SceneMean


def watch(clip: Path, runner: FineTrackRunner) -> Sightings:
    """Track a clip and keep every sighting."""
    pipeline = Pipeline(runner)
    rows: list[tuple] = []
    memories: dict[int, NDArray[np.float32]] = {}
    nothing = np.zeros(runner.embedding_dim, np.float32)
    best = (np.zeros((1, 1, 3), np.uint8), np.zeros((0, 4), np.float32))
    with open_source(str(clip)) as source:
        for frame in progress(source, 'tracking', total=source.length):
            done = pipeline.process(frame.image, frame.stamp)
            detections, tracks = done.observation.detections, done.tracks
            crops = crop_targets(frame.image, tracks.boxes, PICTURE)
            for i, identity in enumerate(tracks.ids):
                vector = detections.embeddings[tracks.detection_indices[i]]
                rows.append((frame.index, frame.stamp, identity, tracks.boxes[i], vector,
                             memories.get(identity, nothing), crops[i]))
                memories[identity] = tracks.embeddings[i]
            well_seen = apart(tracks.boxes, frame.image)
            if len(well_seen) > len(best[1]):
                best = (frame.image, well_seen)
    columns = list(zip(*rows, strict=True))
    arrays = [np.array(column) for column in columns[:6]]
    scene = SceneMean(runner.embedding_dim, window=len(rows))
    scene.learn(arrays[4])
    return Sightings(*arrays, list(columns[6]), best, scene)


def apart(boxes: NDArray[np.float32], image: Image) -> NDArray[np.float32]:
    """Return boxes of tall people whom nobody covers and no edge of the image cuts."""
    inside = (boxes == clip_boxes(boxes - [2, 2, -2, -2], *image.shape[:2]) + [2, 2, -2, -2]
              ).all(axis=1)
    tall = boxes[:, 3] - boxes[:, 1] >= MIN_HEIGHT
    alone = [covered(box, np.delete(boxes, i, axis=0)).max(initial=0) < 0.05
             for i, box in enumerate(boxes)]
    return boxes[inside & tall & np.array(alone, bool)]


def covered(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return which part of a box [4] each of others [N, 4] covers, [N]."""
    both = np.concatenate((np.maximum(box[:2], others[:, :2]),
                           np.minimum(box[2:], others[:, 2:])), axis=1)
    return box_area(both) / max(float(box_area(box[None])[0]), 1e-6)


def part_masks(model: str, runner: FineTrackRunner, image: Image, boxes: NDArray[np.float32]
               ) -> NDArray[np.float32]:
    """Return the part masks of people, float32 [N, K, rows, columns] in 0..1."""
    import torch

    from finetrack_ros.models.checkpoint import load_checkpoint

    network = load_checkpoint(model_folder(model) / 'model.pt').eval()
    batch, ratios = letterbox([image], runner.input_size)
    rois = np.concatenate((np.zeros((len(boxes), 1), np.float32), boxes * ratios[0]), axis=1)
    crops = crop_targets(image, boxes, runner.info.crop_size)
    with torch.no_grad():
        features = network(torch.tensor(batch).permute(0, 3, 1, 2).float())[2]
        region = network.embedder.region_map(features, torch.tensor(rois), torch.tensor(crops))
        return network.embedder.mpmg(region).numpy()


def searches(seen: Sightings) -> list[Ranked]:
    """
    Search for one picture of each long track, and return some of the results.

    The query is the middle one of the track's pictures. Its gallery are pictures of the track and
    of those seen together with it, which are other people if the tracker is right: of a track that
    ended before, nobody knows. Results are ordered by their average precision, and chosen at even
    distances, the best and the worst among them.
    """
    tall = seen.boxes[:, 3] - seen.boxes[:, 1] >= MIN_HEIGHT
    gallery = np.flatnonzero(tall & (seen.frames % GALLERY_STEP == 0))
    found = []
    for identity in np.unique(seen.ids):
        mine = np.flatnonzero(tall & (seen.ids == identity))
        if len(mine) < 2 * GALLERY_STEP:
            continue
        query = mine[len(mine) // 2]
        shared = seen.ids[np.isin(seen.frames, seen.frames[seen.ids == identity])]
        known = np.flatnonzero(np.bincount(shared) >= TOGETHER)
        rest = gallery[np.isin(seen.ids[gallery], known)
                       & (np.abs(seen.frames[gallery] - seen.frames[query]) >= MIN_GAP)]
        cosines = seen.scene.cosines(seen.vectors[query, None], seen.vectors[rest])[0]
        order = np.argsort(-cosines)
        hits = seen.ids[rest[order]] == identity
        if hits.sum() < 3:
            continue
        precision = (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()
        best = order[:RANKS]
        found.append(Ranked(seen.pictures[query], [seen.pictures[i] for i in rest[best]],
                            hits[:RANKS], cosines[best], float(precision), int(hits.sum())))
    found.sort(key=lambda result: -result.precision)
    return [found[i] for i in np.linspace(0, len(found) - 1, SEARCHED_PEOPLE).round().astype(int)]


@dataclass(frozen=True)
class Occlusion:
    """Rows of the one who is hidden and of the one in front, within the same frames."""

    hidden: NDArray[np.intp]
    front: NDArray[np.intp]


def longest_occlusion(seen: Sightings) -> Occlusion:
    """
    Find who is covered by one other for longest, by over half, and seen well before and after.

    :raises ValueError: where nobody is.
    """
    best, length = None, 0
    rows_of = {identity: np.flatnonzero(seen.ids == identity) for identity in np.unique(seen.ids)}
    for hidden in rows_of.values():
        frames = np.arange(seen.frames[hidden[0]], seen.frames[hidden[-1]] + 1)
        box = _follow(seen, hidden, frames)
        for front in rows_of.values():
            if front is hidden or len(frames) < 2 * AROUND:
                continue
            other = _follow(seen, front, frames)
            cover = np.array([covered(a, b[None])[0] for a, b in zip(box, other, strict=True)])
            cover[(frames < seen.frames[front[0]]) | (frames > seen.frames[front[-1]])] = 0
            cover[other[:, 3] <= box[:, 3]] = 0
            behind = np.flatnonzero(cover > 0.5)
            if len(behind) <= length or behind[0] < AROUND or behind[-1] >= len(frames) - AROUND:
                continue
            first, last = frames[behind[0]] - AROUND, frames[behind[-1]] + AROUND
            within = [rows[(seen.frames[rows] >= first) & (seen.frames[rows] <= last)]
                      for rows in (hidden, front)]
            best, length = Occlusion(*within), len(behind)
    if best is None:
        raise ValueError('nobody in this clip is hidden by one other and seen before and after')
    return best


def _follow(seen: Sightings, rows: NDArray[np.intp], frames: NDArray[np.int64]
            ) -> NDArray[np.float64]:
    """Return a track's boxes [F, 4] at all frames, interpolated where it is not seen."""
    return np.stack([np.interp(frames, seen.frames[rows], seen.boxes[rows, side])
                     for side in range(4)], axis=1)


def indoor_curves(data: Path, yolox: Path, models: dict[str, str]
                  ) -> dict[str, PrecisionRecall]:
    """Return precision over recall of each model, and of YOLOX, on a robot's view indoors."""
    clip = read_detection_set('robot_indoor val', data)
    runners = {name: load_model(model, score_threshold=AP_SCORE_THRESHOLD)
               for name, model in models.items()}
    size = next(iter(runners.values())).input_size
    detectors = {name: person_detector(runner) for name, runner in runners.items()}
    detectors[f'{yolox.stem}, same input size'] = YoloxDetector(yolox, size)
    detectors[f'{yolox.stem}, 416x416'] = YoloxDetector(yolox)
    console = Console(stderr=True)
    curves = {}
    for name, detect in detectors.items():
        with console.status(f'{name} ...') as status:
            curves[name] = precision_on(
                detect, clip, (0.5,),
                lambda count, name=name: status.update(f'{name}: {count}'))[0]
    return curves


def main() -> None:
    """Draw all figures."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--data', type=Path, required=True, help='folder of det/robot_indoor')
    parser.add_argument('--clip', type=Path, required=True, help='video that may be shown')
    parser.add_argument('--model', default='finetrack_nano')
    parser.add_argument('--before', help='model that it replaces, for the curves')
    parser.add_argument('--yolox', type=Path, help='ONNX; DATA/weights/yolox_nano.onnx')
    parser.add_argument('--output', type=Path, default=Path('docs/figures'))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    runner = load_model(options.model)
    seen = watch(options.clip, runner)
    image, boxes = seen.best_frame
    boxes = boxes[np.argsort(-box_area(boxes))][:MASKED_PEOPLE]
    draw_parts(crop_targets(image, boxes, PICTURE),
               part_masks(options.model, runner, image, boxes), options.output / 'parts.png')
    draw_retrieval(searches(seen), options.output / 'retrieval.png')
    occlusion = longest_occlusion(seen)
    draw_occlusion(seen, occlusion.hidden, occlusion.front, options.output / 'occlusion.png')
    yolox = options.yolox or options.data / 'weights' / 'yolox_nano.onnx'
    models = {runner.model_name: options.model} | (
        {f'{runner.model_name} before': options.before} if options.before else {})
    curves = indoor_curves(options.data, yolox, models)
    colours = dict(zip(curves, ('#0072b2', '#56b4e9', '#d55e00', '#e69f00')
                       if options.before else ('#0072b2', '#d55e00', '#e69f00'), strict=True))
    precision_recall_figure({'robot_indoor val': curves}, colours).savefig(
        options.output / 'indoor_precision.svg', metadata={'Date': None})
    Console().print(f'4 figures in {options.output}')


if __name__ == '__main__':
    main()
