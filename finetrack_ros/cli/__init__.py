# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The ``finetrack`` command.

One module per subcommand. Each imports only typer at its top and the rest when it runs, so that
``finetrack --help`` answers at once.
"""

from finetrack_ros.cli.application import create_app
from finetrack_ros.cli.batch import batch
from finetrack_ros.cli.engines import engines
from finetrack_ros.cli.evaluate import evaluate
from finetrack_ros.cli.evaluate_model import evaluate_model
from finetrack_ros.cli.export import export
from finetrack_ros.cli.import_yolox import import_yolox
from finetrack_ros.cli.track import track
from finetrack_ros.cli.train import train
from finetrack_ros.cli.tune import tune

app = create_app()
app.command('track')(track)
app.command('batch')(batch)
app.command('eval')(evaluate)
app.command('eval-model')(evaluate_model)
app.command('tune')(tune)
app.command('train')(train)
app.command('export')(export)
app.command('import-yolox')(import_yolox)
app.command('engines')(engines)

__all__ = ['app']
