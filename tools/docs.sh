#!/bin/sh
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the documentation in build/site, after `setup.sh docs`; a dead link ends it.
set -eu
cd "$(dirname "$0")/.."
# It would print an advertisement otherwise.
export NO_MKDOCS_2_WARNING=1
exec .venv/bin/python -m mkdocs build --strict
