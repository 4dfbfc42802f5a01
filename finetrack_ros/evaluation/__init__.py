# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure tracks, detections and embeddings against ground truth."""
