#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Tracks people in a clip through ROS 2, after setup.sh; VIDEO and MAX_FRAMES as in `make help`.
set -e
cd "$(dirname "$0")/.."

if [ -z "${VIDEO:-}" ]; then
  VIDEO=$(tools/fetch_clip.sh)
fi
. tools/env.sh
# Cameras and trackers of other machines in the network stay out of the demo.
export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
exec python -m finetrack_ros.ros.demo --video "$VIDEO" --output demo_out \
  ${MAX_FRAMES:+--max-frames "$MAX_FRAMES"}
