# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Slow, plain twins of the fast tracking code: dense matrices, loops, one object per thing."""

import lap
import numpy as np

from finetrack_ros.tracking.scene import PRIOR


class DenseKalman:
    """Eight-state constant-velocity filter of one box, with full matrices."""

    def __init__(self, box, noise):
        """Start at a cxcywh box [4] with unknown velocity."""
        self.noise = noise
        scale = self._scale(box)
        self.mean = np.concatenate([box, np.zeros(4)])
        self.covariance = np.diag(np.concatenate([
            (2 * noise.measurement * scale) ** 2, (noise.initial_velocity * scale) ** 2]))

    @staticmethod
    def _scale(box):
        width, height = max(box[2], 1.0), max(box[3], 1.0)
        return np.array([width, height, width, height])

    def predict(self, dt):
        """Move on by dt seconds."""
        scale = self._scale(self.mean[:4])
        position = (self.noise.position * scale) ** 2
        velocity = (self.noise.velocity * scale) ** 2
        transition = np.eye(8)
        transition[:4, 4:] = dt * np.eye(4)
        process = np.zeros((8, 8))
        process[:4, :4] = np.diag(dt * position + dt ** 3 / 3 * velocity)
        process[:4, 4:] = process[4:, :4] = np.diag(dt ** 2 / 2 * velocity)
        process[4:, 4:] = np.diag(dt * velocity)
        self.mean = transition @ self.mean
        self.mean[2:4] = np.maximum(self.mean[2:4], 1.0)
        self.covariance = transition @ self.covariance @ transition.T + process

    def update(self, box):
        """Take a measured cxcywh box [4]."""
        observe = np.eye(4, 8)
        measurement = np.diag((self.noise.measurement * self._scale(self.mean[:4])) ** 2)
        total = observe @ self.covariance @ observe.T + measurement
        gain = self.covariance @ observe.T @ np.linalg.inv(total)
        self.mean = self.mean + gain @ (box - observe @ self.mean)
        self.covariance = (np.eye(8) - gain @ observe) @ self.covariance

    def recover(self, before, now, gap):
        """Restart from two boxes [4] that lie ``gap`` seconds apart."""
        scale = self._scale(now)
        variance = (self.noise.measurement * scale) ** 2
        velocity = (now - before) / gap
        velocity[2:] = 0
        self.mean = np.concatenate([now, velocity])
        spread = 2 * variance / gap ** 2 + gap * (self.noise.velocity * scale) ** 2
        self.covariance = np.block([
            [np.diag(variance), np.diag(variance / gap)],
            [np.diag(variance / gap), np.diag(spread)]])


def dense_assignment(rows, cols, cost, limit, shape):
    """Assign with lap's own cost_limit on the full matrix; returns the set of (row, col)."""
    if min(shape) == 0:
        return set()
    # lap's cost_limit is meant for costs above zero: shift all by the same amount.
    shift = 1e3
    matrix = np.full(shape, 1e6)
    matrix[rows, cols] = cost + shift
    _, col_of_row, _ = lap.lapjv(matrix, extend_cost=True, cost_limit=limit + shift)
    return {(row, col) for row, col in enumerate(col_of_row.tolist()) if col >= 0}


class PlainTrack:
    """One track of the plain tracker."""

    def __init__(self, identity, row, frame, noise):
        """Start at detection ``row`` of the frame."""
        self.id, self.kalman = identity, DenseKalman(frame.cxcywh[row], noise)
        self.hits, self.state, self.embedding = 0, 'tentative', None
        self.cls, self.votes = frame.classes[row], 0.0

    def take(self, row, frame, config):
        """Take detection ``row``, without the filter's update."""
        self.box, self.seen, self.matched = frame.cxcywh[row], frame.time, row
        self.hits += 1
        if frame.classes[row] == self.cls:
            self.votes += frame.scores[row]
        else:
            self.votes -= frame.scores[row]
            if self.votes < 0:
                self.cls, self.votes = frame.classes[row], -self.votes
        if frame.embeddings is None or frame.scores[row] < config.high_score:
            return
        mixed = frame.embeddings[row]
        if self.embedding is not None:
            share = config.embedding_momentum
            mixed = share * self.embedding + (1 - share) * mixed
        self.embedding = mixed / np.linalg.norm(mixed)


class PlainFrame:
    """Detections of a frame as lists of float64 arrays."""

    def __init__(self, detections, time):
        """Copy detections that are all valid."""
        self.time = time
        self.boxes = detections.boxes.astype(float)
        self.cxcywh = np.array([
            [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1] for x1, y1, x2, y2 in self.boxes])
        self.scores = detections.scores.astype(float)
        self.classes = detections.classes
        self.embeddings = None
        if detections.embeddings is not None:
            self.embeddings = detections.embeddings.astype(float)


def corners(box):
    """Return the xyxy corners of a cxcywh box."""
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def overlap(a, b):
    """Return IoU and height IoU of two xyxy boxes, zero where they do not overlap."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0, 0.0
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return (width * height / (areas - width * height),
            height / (max(a[3], b[3]) - min(a[1], b[1])))


class PlainTracker:
    """The tracker without arrays over tracks, and without memory: loops and dense matrices."""

    def __init__(self, config, noise):
        """Start without tracks."""
        self.config, self.noise, self.tracks, self.next_id = config, noise, [], 1
        self.time = None
        self.looks = []

    def update(self, detections, stamp):
        """Advance by one frame; return {id: detection} of the confirmed tracks seen."""
        first, config = self.time is None, self.config
        dt, self.time = 0.0 if first else stamp - self.time, stamp
        frame = PlainFrame(detections, stamp)
        if frame.embeddings is not None:
            self.looks.extend(frame.embeddings[frame.scores >= config.high_score])
        self.tracks = [t for t in self.tracks if stamp - t.seen <= config.lost_seconds + 1e-9]
        for track in self.tracks:
            track.kalman.predict(dt)
            track.matched = None
        for track, row in self.match(frame):
            gap, before = stamp - track.seen, track.box
            track.kalman.update(frame.cxcywh[row])
            if gap > config.recover_seconds:
                track.kalman.recover(before, frame.cxcywh[row], gap)
            track.take(row, frame, config)
        for track in self.tracks:
            if track.matched is None and track.state != 'tentative':
                track.state = 'lost'
                track.kalman.mean[6:] = 0
            elif track.matched is not None and (
                    track.state != 'tentative' or track.hits >= config.confirm_hits):
                track.state = 'confirmed'
        self.tracks = [t for t in self.tracks if t.matched is not None or t.state == 'lost']
        self.give_birth(frame, first)
        return {t.id: t.matched for t in self.tracks if t.state == 'confirmed'}

    def match(self, frame):
        """Return the matched (track, detection) pairs."""
        config, shape = self.config, (len(self.tracks), len(frame.scores))
        similarity, likeness = np.zeros(shape), np.zeros(shape)
        for i, track in enumerate(self.tracks):
            for j, box in enumerate(frame.boxes):
                weak = frame.scores[j] < config.high_score
                iou, height = overlap(corners(track.kalman.mean[:4]), box)
                value = iou * height * frame.scores[j] - config.low_penalty * weak
                if value <= config.match_similarity or weak and track.state != 'confirmed':
                    continue
                if frame.embeddings is not None and track.embedding is not None and not weak:
                    cosine = self.centred(track.embedding) @ self.centred(frame.embeddings[j])
                    if cosine < config.appearance_gate:
                        continue
                    likeness[i, j] = max(cosine, 0)
                similarity[i, j] = value
        for i, j in np.argwhere(likeness > 0):
            trust = 1 + self.lead(likeness[i]) + self.lead(likeness[:, j])
            similarity[i, j] += config.appearance_weight * trust * likeness[i, j]
        rows, cols = np.nonzero(similarity)
        matched = dense_assignment(
            rows, cols, -similarity[rows, cols], -config.match_similarity, shape)
        return [(self.tracks[row], col) for row, col in sorted(matched)]

    def centred(self, embedding):
        """Return an embedding as seen from the mean of all, fewer than the scene's window."""
        if not self.looks:
            return embedding
        away = embedding - np.sum(self.looks, axis=0) / (len(self.looks) + PRIOR)
        return away / np.linalg.norm(away)

    @staticmethod
    def lead(values):
        """Return the gap between the best and the second best value."""
        best = np.sort(values)[::-1]
        return best[0] - best[1] if len(best) > 1 else best[0]

    def give_birth(self, frame, first):
        """Start tracks from strong unmatched detections that overlap nothing."""
        config = self.config
        taken = {t.matched for t in self.tracks}
        seen = [corners(t.box) for t in self.tracks if t.matched is not None]
        free = [j for j in range(len(frame.scores)) if j not in taken
                and frame.scores[j] >= max(config.birth_score, config.high_score)
                and all(overlap(frame.boxes[j], box)[0] <= config.birth_overlap for box in seen)]
        for j in free:
            better = [k for k in free if frame.scores[k] > frame.scores[j]]
            if any(overlap(frame.boxes[j], frame.boxes[k])[0] > config.birth_overlap
                   for k in better):
                continue
            track = PlainTrack(self.next_id, j, frame, self.noise)
            track.take(j, frame, config)
            if first or config.confirm_hits == 1:
                track.state = 'confirmed'
            self.next_id += 1
            self.tracks.append(track)
