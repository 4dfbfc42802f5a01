#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Measures what the tests without ROS run of the code, after `setup.sh test`; below the floor in
# pyproject.toml it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh
run() { python -m pytest --quiet --timeout 600 -m 'not slow' --cov --cov-report= --cov-fail-under=0 "$@"; }
# In two processes, as in test.sh.
run --ignore test/ros --ignore test/training
run --cov-append test/training
python -m coverage report --skip-covered --sort=cover
