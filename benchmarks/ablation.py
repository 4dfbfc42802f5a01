# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure what each part of the method is worth to the embedding.

Trains every variant with several seeds by the recipe config/train/ablation.yaml, and measures mAP
on people whom none was trained on: true crops of four sequences, from the scene's mean as the
tracker compares, and the last 100 identities of Market-1501. Runs that are done are not repeated,
so that a killed ablation goes on where it was. Prints means and standard deviations, and writes
them as a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import shutil
from typing import Any

import numpy as np

from finetrack_ros.datasets import Market1501
from finetrack_ros.evaluation.model_report import box_embedder
from finetrack_ros.evaluation.reid_sets import (
    find_across_cameras,
    MARKET_TAR,
    on_canvases,
    reid_on_sequence,
    REID_SETS,
)
from finetrack_ros.inference import load_model
from finetrack_ros.training.fit import fit, Hardware
from finetrack_ros.training.recipe import load_recipe

RECIPE = Path(__file__).parents[1] / 'config' / 'train' / 'ablation.yaml'
PLAIN = ('model.alignment=plain', 'model.heads=0', 'model.global_dim=512')
# All variants have 512 values. The full method stands first: the others are told from it.
VARIANTS: dict[str, Sequence[str]] = {
    'full method': (),
    'global vector only, plain FPN': PLAIN,
    '+ FAFPN': PLAIN[1:],
    '+ MPMG': ('train.loss.diversity=0',),
    '2 heads': ('model.heads=2', 'model.local_dim=192'),
    '12 heads': ('model.heads=12', 'model.local_dim=32'),
    'random sampling': ('data.sampler=random',),
    'sequential sampling': ('data.sampler=sequential',),
    'without teachers': ('teachers=[]',),
    'teachers only': ('train.loss.identity=0',),
}


def main() -> None:
    """Train and measure what is not done yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True, help='data folder')
    parser.add_argument('--weights', required=True, help="a detector's model.pt to start from")
    parser.add_argument('--output', type=Path, required=True, help='folder of the runs')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--variant', action='append', choices=VARIANTS, help='only this one')
    parser.add_argument('--set', action='append', default=[], help='change of the recipe')
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    results = args.output / 'results.jsonl'
    done = _read(results)
    # Seed by seed, so that a part of the runs already compares all variants.
    for seed in range(args.seeds):
        for name in args.variant or VARIANTS:
            if not any(row['variant'] == name and row['seed'] == seed for row in done):
                changes = [*args.set, *VARIANTS[name], f'weights={args.weights}',
                           f'data.seed={seed}']
                row = {'variant': name, 'seed': seed, **_run(args.data, args.output, changes)}
                done.append(row)
                with results.open('a', encoding='utf-8') as file:
                    file.write(json.dumps(row) + '\n')
                print(row, flush=True)
    table = as_table(done)
    (args.output / 'ablation.md').write_text(table, encoding='utf-8')
    print(table)


def _read(results: Path) -> list[dict[str, Any]]:
    if not results.is_file():
        return []
    return [json.loads(line) for line in results.read_text(encoding='utf-8').splitlines()]


def _run(data: Path, output: Path, changes: Sequence[str]) -> dict[str, float]:
    """Train one variant and return its mAP in percent by set."""
    run = output / 'run'
    shutil.rmtree(run, ignore_errors=True)
    recipe = load_recipe(RECIPE, changes)
    model = fit(recipe, data, run, Hardware('cpu', 1), cache=output / 'cache', progress=print)
    embed = box_embedder(load_model(model))
    scores = {}
    for name, where in REID_SETS.items():
        found = reid_on_sequence(embed, data / where.path, where.frames, where.step,
                                 from_scene=True)
        scores[name] = 100 * found.mean_average_precision
    market = find_across_cameras(on_canvases(embed), Market1501(data / MARKET_TAR))
    scores['Market-1501'] = 100 * market.scores.mean_average_precision
    scores['mean of sequences'] = float(np.mean([scores[name] for name in REID_SETS]))
    return scores


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table of mean and standard deviation over the seeds."""
    columns = ['mean of sequences', *REID_SETS, 'Market-1501']
    lines = ['| | seeds | ' + ' | '.join(columns) + ' |', '|---' * (len(columns) + 2) + '|']
    for name in VARIANTS:
        mine = [row for row in rows if row['variant'] == name]
        if not mine:
            continue
        cells = []
        for column in columns:
            values = np.array([row[column] for row in mine])
            spread = f' ± {values.std(ddof=1):.1f}' if len(mine) > 1 else ''
            cells.append(f'{values.mean():.1f}{spread}')
        lines.append(f'| {name} | {len(mine)} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    main()
