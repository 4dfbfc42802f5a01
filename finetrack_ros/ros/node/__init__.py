# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker node: its life cycle, its cameras, and the thread that works."""
