# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all subcommands share: error messages, exit codes, the console."""

from __future__ import annotations

import errno
import importlib.util
import io
import json
from pathlib import Path
import sys
from typing import Any

from rich.console import Console
import typer
from typer.core import TyperGroup

from finetrack_ros import __version__
from finetrack_ros.errors import ConfigError, FinetrackError, SourceError

USER_ERROR = 2

errors = Console(stderr=True)
output = Console()


class _Group(TyperGroup):
    """Command group that shows a user's mistake as one message instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; exit with code 2 on an error that the user can mend."""
        # Names of files are any bytes; what cannot be shown is escaped.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors='backslashreplace')
        try:
            return super().invoke(ctx)
        except FinetrackError as error:
            self._show(str(error))
        except OSError as error:
            # Of an output that broke off; a reader that has enough, as of `| head`, needs no word.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise
            self._show(f'An output cannot be written ({error.strerror}). Choose a disk with room.')
        raise typer.Exit(USER_ERROR)

    @staticmethod
    def _show(message: str) -> None:
        errors.print(f'Error: {message}', style='bold red', markup=False, highlight=False,
                     soft_wrap=True)


def create_app() -> typer.Typer:
    """Return the command line application, without subcommands yet."""
    app = typer.Typer(cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False,
                      context_settings={'help_option_names': ['-h', '--help']})

    @app.callback()
    def finetrack(version: bool = typer.Option(
            False, '--version', help='Show the version and exit.', callback=_show_version,
            is_eager=True)) -> None:
        """Track people in videos with FineTrack; evaluate, train and export its models."""

    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f'finetrack {__version__}')
        raise typer.Exit


def require_training_libraries() -> None:
    """Raise ConfigError where torch and its companions, which models need, are not installed."""
    _require(('torch', 'torchvision', 'lightning', 'onnx', 'onnxscript'),
             'training and export need', 'train')


def require_tuning_libraries() -> None:
    """Raise ConfigError where optuna is not installed."""
    _require(('optuna',), 'tuning needs', 'tune')


def require_view_libraries() -> None:
    """Raise ConfigError where Rerun is not installed."""
    _require(('rerun',), 'a live view needs', 'view')


def require_batch_libraries() -> None:
    """Raise ConfigError where Ray and what stores results are not installed."""
    _require(('fsspec', 'pyarrow', 'ray'), 'tracking many recordings needs', 'batch')


def _require(modules: tuple[str, ...], what: str, extra: str) -> None:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f'{", ".join(missing)} not installed: {what} the extra '
                          f"'{extra}'. Install it with `pip install '.[{extra}]'`.")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file and its folder; raises SourceError where that is not allowed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    except OSError as error:
        raise SourceError(f"Output '{path}' cannot be written ({error.strerror}). Choose a file "
                          'in a folder where you may write.') from error
