# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which code trains."""

from __future__ import annotations

from pathlib import Path
import subprocess

from finetrack_ros import __version__


def revision() -> str:
    """Return the version, and the commit where the code is a checkout of its own."""
    try:
        # Installed code may lie in the checkout of something else.
        _git('ls-files', '--error-unmatch', Path(__file__).name)
        return f'{__version__} {_git("describe", "--always", "--dirty")}'
    except (OSError, subprocess.SubprocessError):
        return __version__


def _git(*arguments: str) -> str:
    return subprocess.run(['git', *arguments], cwd=Path(__file__).parent, capture_output=True,
                          text=True, check=True, timeout=10).stdout.strip()
