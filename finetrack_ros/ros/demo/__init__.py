# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Player, tracker and recorder together: ``python -m finetrack_ros.ros.demo.run``."""
