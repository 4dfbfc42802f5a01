# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Runs `finetrack train`, notes which batches it trains on, and can be killed at one of them.

NOTES names the folder of the notes, KILL_AT the batch at which the process is killed.
"""

from __future__ import annotations

import os
from pathlib import Path
import signal
from typing import Any

import torch

from finetrack_ros.training import fit
from finetrack_ros.training.module import FineTrackModule


def noting(folder: Path, kill_at: int = -1) -> Any:
    """Return a training step that writes a line with a sum of the batch's pixels."""
    train = FineTrackModule.training_step
    count = 0

    def step(module: FineTrackModule, batch: Any, index: int) -> torch.Tensor:
        nonlocal count
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        with (folder / f'rank{module.global_rank}.txt').open('a') as notes:
            notes.write(f'{int(batch.images.sum())}\n')
        return train(module, batch, index)

    return step


def main() -> None:
    """Run the command line's arguments on one thread, without the export."""
    from finetrack_ros.cli import app

    torch.set_num_threads(1)
    fit.export_onnx = lambda model, folder, name: None  # type: ignore[assignment]
    FineTrackModule.training_step = noting(  # type: ignore[method-assign]
        Path(os.environ['NOTES']), int(os.environ.get('KILL_AT', -1)))
    app()


if __name__ == '__main__':
    main()
