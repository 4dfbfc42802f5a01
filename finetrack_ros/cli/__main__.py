# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run the command as ``python -m finetrack_ros.cli``."""

from finetrack_ros.cli import app

if __name__ == '__main__':
    app(prog_name='finetrack')
