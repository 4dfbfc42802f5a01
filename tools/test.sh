#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Lints, checks types, and runs every test, after `setup.sh test`.
set -e
cd "$(dirname "$0")/.."
. tools/env.sh

# Nodes of other machines in the network are none of the tests' business.
export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
ruff check .
mypy
shellcheck .ci/run tools/*.sh
# A test that hangs fails, with the traces of all its threads.
run() { python -m pytest --timeout 600 "$@"; }
if [ $# -gt 0 ]; then
  run "$@"
  exit
fi
# Training in a process of its own: beside all that the other tests have loaded (ROS, DDS, every
# inference library) torch crashed once, which no user's process holds together.
run --ignore=test/training
run test/training
