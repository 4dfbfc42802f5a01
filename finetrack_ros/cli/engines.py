# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack engines``: which inference engines work here, and which one ``auto`` takes."""

from __future__ import annotations

import typer

from finetrack_ros.cli.application import output
from finetrack_ros.cli.options import MODEL


def engines(
    model: str = MODEL,
    start: bool = typer.Option(
        False, '--start', help='Start the model as --engine auto would, build what has to be '
        'built, and tell which engine was taken.'),
) -> None:
    """Show the inference engines: usable or why not, what they have compiled, which is taken."""
    from rich.table import Table

    from finetrack_ros.errors import ConfigError
    from finetrack_ros.inference.cache import PlanCache
    from finetrack_ros.inference.registry import choices, engine_names, find_engine

    cache = PlanCache()
    plans = cache.plans()
    table = Table('engine', 'library', 'devices', 'compiled', 'remark')
    for name in engine_names()[1:]:
        library, devices, remark = '', '', ''
        try:
            spec = find_engine(name)
            library = spec.library
            devices = ', '.join(spec.candidates())
        except ConfigError as error:
            remark = str(error).removeprefix(f"engine '{name}': ")
        mine = [plan for plan in plans if plan.key['engine'] == name]
        size = sum(plan.size for plan in mine) / 1e6
        table.add_row(name, library, devices or 'none',
                      f'{len(mine)} ({size:.0f} MB)' if mine else '', remark)
    output.print(table)
    output.print(f'Compiled models lie in {cache.folder}; they may be deleted at any time.',
                 soft_wrap=True, markup=False, highlight=False)
    if start:
        from finetrack_ros.inference import load_model

        runner = load_model(model)
        runner.warm_up()
        output.print(f'auto takes {runner.engine_name} on {runner.device_name} '
                     f'({runner.engine_reason}).', soft_wrap=True, markup=False, highlight=False)
        return
    order = ', '.join(f'{spec.name} on {device}' for spec, device in choices())
    output.print(f'auto tries, in this order: {order}.', soft_wrap=True, markup=False,
                 highlight=False)
