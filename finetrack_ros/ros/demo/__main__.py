# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m finetrack_ros.ros.demo``."""

import typer

from finetrack_ros.ros.demo.run import main

typer.run(main)
