# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Slow, plain twins of the fast tracking code: dense matrices, loops, one object per thing."""

import statistics

import lap
import numpy as np

from finetrack_ros.tracking.appearance import (
    BESIDE,
    LOOKS,
    RETURN_LIMIT,
    SAMPLE_SECONDS,
    STEP_LIMIT,
    STRANGERS,
    SURE,
)
from finetrack_ros.tracking.evidence import LEAST_DEVIATION, WINDOW
from finetrack_ros.tracking.evidence import PRIOR as ASSUMED
from finetrack_ros.tracking.gallery import VIEWS
from finetrack_ros.tracking.scene import PRIOR
from finetrack_ros.tracking.tracker import (
    LOST_PERIODS,
    LOST_SHARE,
    TENTATIVE_PERIODS,
    TENTATIVE_SECONDS,
)


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


class PlainEvidence:
    """Two normal distributions of one variance, from lists of all values ever seen."""

    def __init__(self, limit):
        """Start with what is assumed."""
        self.limit, self.kinds = limit, [[], []]

    def learn(self, same, different):
        """Take in values; old ones fade."""
        for values, new in zip(self.kinds, (same, different), strict=True):
            values.extend([value, 1.0] for value in new)
            total = sum(weight for _, weight in values)
            for entry in values:
                entry[1] *= min(1.0, WINDOW / total)

    def ratio(self, value):
        """Return the difference of the two normal log densities, within the limit."""
        means, variances = [], []
        for values, mean in zip(self.kinds, (LOOKS.same, LOOKS.different), strict=True):
            total = ASSUMED + sum(weight for _, weight in values)
            centre = (ASSUMED * mean + sum(v * weight for v, weight in values)) / total
            assumed = ASSUMED * ((mean - centre) ** 2 + LOOKS.deviation ** 2)
            spread = assumed + sum((v - centre) ** 2 * weight for v, weight in values)
            means.append(centre)
            variances.append(spread / total)
        if means[0] <= means[1]:
            return 0.0
        variance = max(sum(variances) / 2, LEAST_DEVIATION ** 2)
        ratio = ((value - means[1]) ** 2 - (value - means[0]) ** 2) / (2 * variance)
        return max(-self.limit, min(self.limit, ratio))


class PlainTrack:
    """One track of the plain tracker."""

    def __init__(self, identity, row, frame, noise):
        """Start at detection ``row`` of the frame."""
        self.id, self.kalman = identity, DenseKalman(frame.cxcywh[row], noise)
        self.hits, self.state, self.embedding = 0, 'tentative', None
        self.cls, self.votes = frame.classes[row], 0.0
        self.views, self.sampled = [], None

    def take(self, row, frame, config):
        """Take detection ``row``, without the filter's update; return whether to sample it."""
        self.box, self.seen, self.matched = frame.cxcywh[row], frame.time, row
        self.hits += 1
        if frame.classes[row] == self.cls or config.class_policy == 'ignore':
            self.cls = frame.classes[row]
            self.votes += frame.scores[row]
        else:
            self.votes -= frame.scores[row]
            if self.votes < 0:
                self.cls, self.votes = frame.classes[row], -self.votes
        if frame.embeddings[row] is None or frame.scores[row] < config.high_score:
            return False
        mixed = frame.embeddings[row]
        if self.embedding is not None:
            share = config.embedding_momentum
            mixed = share * self.embedding + (1 - share) * mixed
        self.embedding = mixed / np.linalg.norm(mixed)
        return config.memory_seconds > 0 and (
            not self.views or frame.time - self.sampled >= SAMPLE_SECONDS)

    def sample(self, embedding, time):
        """Remember a look, instead of the most similar one where there are enough."""
        if len(self.views) == VIEWS:
            del self.views[int(np.argmax([view @ embedding for view in self.views]))]
        self.views.append(embedding)
        self.sampled = time


class PlainFrame:
    """Detections of a frame as lists of float64 arrays; None for an embedding that is absent."""

    def __init__(self, detections, time):
        """Copy detections that are all valid."""
        self.time = time
        self.boxes = detections.boxes.astype(float)
        self.cxcywh = np.array([
            [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1] for x1, y1, x2, y2 in self.boxes])
        self.scores = detections.scores.astype(float)
        self.classes = detections.classes
        self.embeddings = [None] * len(detections)
        if detections.embeddings is not None:
            self.embeddings = [row if row.any() else None
                               for row in detections.embeddings.astype(float)]


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
    """The tracker without arrays over tracks: loops and dense matrices."""

    def __init__(self, config, noise):
        """Start without tracks."""
        self.config, self.noise, self.tracks, self.next_id = config, noise, [], 1
        self.time, self.steps = None, []
        # Sums of the same steps as the tracker's, so that both round alike.
        self.clock = 0.0
        self.looks, self.weights = [], []
        self.step, self.return_ = PlainEvidence(STEP_LIMIT), PlainEvidence(RETURN_LIMIT)

    def update(self, detections, stamp):
        """Advance by one frame; return {id: detection} of the confirmed tracks seen."""
        first, config = self.time is None, self.config
        dt, self.time = 0.0 if first else stamp - self.time, stamp
        self.clock += dt
        self.steps += [dt] if dt > 0 else []
        frame = PlainFrame(detections, self.clock)
        self.look_around(frame)
        self.tracks = [t for t in self.tracks if self.in_reach(t) or self.is_remembered(t)]
        for track in self.tracks:
            track.kalman.predict(dt)
            track.matched = None
        due = []
        for track, row in self.match(frame):
            gap, before = self.clock - track.seen, track.box
            track.kalman.update(frame.cxcywh[row])
            if gap > config.recover_seconds:
                track.kalman.recover(before, frame.cxcywh[row], gap)
            if track.take(row, frame, config):
                due.append((track, frame.embeddings[row]))
        self.sample(due, frame)
        born = self.recall(self.newcomers(frame), frame)
        for track in self.tracks:
            if track.matched is None:
                track.state = 'tentative' if track.state == 'tentative' else 'lost'
                track.kalman.mean[6:] = 0
            elif track.state != 'tentative' or track.hits >= config.confirm_hits:
                track.state = 'confirmed'
        self.give_birth(born, frame, first)
        return {t.id: t.matched for t in self.tracks if t.state == 'confirmed'}

    def in_reach(self, track):
        """Return whether motion can still tell where the track is."""
        period = statistics.median(self.steps[-15:]) if self.steps else 0.0
        limit = max(self.config.lost_seconds, LOST_PERIODS * period)
        if track.state == 'tentative':
            limit = min(limit, max(TENTATIVE_SECONDS, TENTATIVE_PERIODS * period))
        return self.clock - track.seen <= limit + 1e-9

    def is_remembered(self, track):
        """Return whether the track may come back by its looks."""
        return (track.embedding is not None and track.state != 'tentative'
                and self.clock - track.seen <= self.config.memory_seconds)

    def look_around(self, frame):
        """Take the looks of a frame into the scene's window, in which old ones fade."""
        strong = [look for look, score in zip(frame.embeddings, frame.scores, strict=True)
                  if look is not None and score >= self.config.high_score]
        if not strong:
            return
        self.looks.extend(strong)
        self.weights.extend([1.0] * len(strong))
        total = sum(self.weights)
        if total > self.config.scene_window:
            self.weights = [w * self.config.scene_window / total for w in self.weights]

    def match(self, frame):
        """Return the matched (track, detection) pairs."""
        tracks = [t for t in self.tracks if self.in_reach(t)]
        config, shape = self.config, (len(tracks), len(frame.scores))
        similarity, ratio, looks = np.zeros(shape), np.zeros(shape), {}
        for i, track in enumerate(tracks):
            for j, box in enumerate(frame.boxes):
                weak = frame.scores[j] < config.high_score
                iou, height = overlap(*self.widened(track, box))
                value = iou * height * frame.scores[j] - config.low_penalty * weak
                if value <= config.match_similarity or weak and track.state != 'confirmed':
                    continue
                if config.class_policy == 'forbid' and track.cls != frame.classes[j]:
                    continue
                if frame.embeddings[j] is not None and track.embedding is not None and not weak:
                    looks[i, j] = self.cosine(track.embedding, frame.embeddings[j])
                    ratio[i, j] = self.step.ratio(looks[i, j])
                similarity[i, j] = value
        self.learn(tracks, similarity, looks, frame)
        similarity += config.appearance_weight * np.maximum(ratio, 0)
        unlikely = 1 / (1 + np.exp(-ratio)) < 0.1
        unlikely[[i for i, track in enumerate(tracks) if track.state == 'confirmed']] = False
        rows, cols = np.nonzero((similarity > 0) & ~unlikely)
        matched = dense_assignment(
            rows, cols, -similarity[rows, cols], -config.match_similarity, shape)
        return [(tracks[row], col) for row, col in sorted(matched)]

    def widened(self, track, box):
        """Return a track's box and another, widened by how far the track may have drifted."""
        measured = (self.noise.measurement * np.maximum(track.kalman.mean[2:4], 1)) ** 2
        margin = np.sqrt(np.maximum(np.diag(track.kalman.covariance)[:2] - measured, 0))
        if track.state == 'lost':
            margin *= LOST_SHARE
        wider = np.concatenate([-margin, margin])
        return corners(track.kalman.mean[:4]) + wider, box + wider

    def learn(self, tracks, similarity, looks, frame):
        """Learn from pairs that nobody contests what looks tell from frame to frame."""
        alone = (similarity > 0).sum(axis=1)[:, None] + (similarity > 0).sum(axis=0) == 2
        sure = [(i, j) for i, j in looks if alone[i, j] and tracks[i].state == 'confirmed'
                and similarity[i, j] > SURE * self.config.match_similarity]
        self.sure = [tracks[i] for i, _ in sure]
        few = sure[:BESIDE]
        beside = [(few[n][0], few[n - 1][1]) for n in range(len(few))] if few[1:] else []
        self.step.learn([looks[pair] for pair in sure], [
            self.cosine(tracks[i].embedding, frame.embeddings[j]) for i, j in beside])

    def sample(self, due, frame):
        """Remember looks, and learn what they tell after a time."""
        old = [(track, look) for track, look in due if track.views and track in self.sure]
        cosines = [[[self.cosine(view, look) for view in track.views] for _, look in old]
                   for track, _ in old]
        same = [sorted(cosines[n][n])[-2] for n in range(len(old)) if len(old[n][0].views) > 1]
        different = [max(cosines[n][n - 1]) for n in range(len(old))] if old[1:] else []
        self.return_.learn(same, different)
        for track, look in due:
            track.sample(look, frame.time)

    def cosine(self, a, b):
        """Return the cosine of two embeddings as seen from the mean of the scene."""
        if self.looks:
            mean = np.array(self.weights) @ np.array(self.looks) / (sum(self.weights) + PRIOR)
            a, b = a - mean, b - mean
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

    def newcomers(self, frame):
        """Return the strong unmatched detections that overlap nothing."""
        config = self.config
        taken = {t.matched for t in self.tracks}
        seen = [corners(t.box) for t in self.tracks if t.matched is not None]
        free = [j for j in range(len(frame.scores)) if j not in taken
                and frame.scores[j] >= max(config.birth_score, config.high_score)
                and all(overlap(frame.boxes[j], box)[0] <= config.birth_overlap for box in seen)]
        return [j for j in free if not any(
            frame.scores[k] > frame.scores[j]
            and overlap(frame.boxes[j], frame.boxes[k])[0] > config.birth_overlap for k in free)]

    def recall(self, born, frame):
        """Give newcomers to the lost tracks that they clearly look like; return the others."""
        if self.config.memory_seconds == 0:
            return born
        known = [j for j in born if frame.embeddings[j] is not None]
        lost = [t for t in self.tracks
                if t.matched is None and t.state != 'tentative' and t.views]
        seen = [t for t in self.tracks if t.matched is not None and t.embedding is not None]
        chosen = [(j, track) for j in known for track in lost
                  if self.is_clear(j, track, known, lost, seen, frame)]
        for j, track in chosen:
            track.kalman = DenseKalman(frame.cxcywh[j], self.noise)
            track.kalman.update(frame.cxcywh[j])
            if track.take(j, frame, self.config):
                track.sample(frame.embeddings[j], frame.time)
        return [j for j in born if j not in [row for row, _ in chosen]]

    def is_clear(self, j, track, known, lost, seen, frame):
        """Return whether a newcomer is a lost track rather than all that either may be."""
        own = self.odds(track, j, frame)
        others = STRANGERS + sum(self.odds(t, j, frame) for t in lost if t is not track)
        others += sum(self.odds(track, k, frame) for k in known if k != j)
        others += sum(np.exp(self.return_.ratio(self.cosine(t.embedding, frame.embeddings[j])))
                      for t in seen)
        return own / (own + others) >= self.config.recall_probability

    def odds(self, track, j, frame):
        """Return the likelihood ratio of detection ``j`` and a track, by the best of its views."""
        if self.config.class_policy == 'forbid' and track.cls != frame.classes[j]:
            return 0.0
        return np.exp(self.return_.ratio(max(
            self.cosine(view, frame.embeddings[j]) for view in track.views)))

    def give_birth(self, born, frame, first):
        """Start tracks from newcomers."""
        config = self.config
        for j in born:
            track = PlainTrack(self.next_id, j, frame, self.noise)
            if track.take(j, frame, config):
                track.sample(frame.embeddings[j], frame.time)
            if first or config.confirm_hits == 1:
                track.state = 'confirmed'
            self.next_id += 1
            self.tracks.append(track)
