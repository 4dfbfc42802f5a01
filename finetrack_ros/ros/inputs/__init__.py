# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to images and detections, with the quality of service on offer."""
