# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is published of each frame; a new topic is a new class in the list."""
