"""What a running stream did: rates and latency of the last seconds and of the whole run, in constant memory."""

import threading
import time
from collections import deque

import numpy as np

WINDOW_S = 3.0  # what "now" means
_MOST = 2048  # events that are kept of the window: 3 s at 680 fps
BIN_MS, BINS = 0.5, 20_000  # whole-run percentiles are exact to half a millisecond, up to 10 s


class Percentiles:
    """Percentiles of durations in ms, over any number of them: a histogram of bins of half a millisecond."""

    def __init__(self):
        self._counts = np.zeros(BINS, np.int64)

    def add(self, milliseconds):
        self._counts[min(BINS - 1, max(0, int(milliseconds / BIN_MS)))] += 1

    def __len__(self):
        return int(self._counts.sum())

    def __call__(self, percent):
        """The middle of the bin that holds the percentile; None before anything was added."""
        total = self._counts.sum()
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), percent / 100 * total, side="left"))
        return round((place + 0.5) * BIN_MS, 2)


class Stats:
    """Counts what happens to frames; safe from several threads. clock: seconds, as the frames' captured_at."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._started_at = clock()
        self._in: deque = deque(maxlen=_MOST)  # times
        self._out: deque = deque(maxlen=_MOST)  # (time, latency_ms)
        self._work: deque = deque(maxlen=_MOST)  # (time, work_ms)
        self._latency, self._all_work = Percentiles(), Percentiles()
        self.frames_in = self.frames_out = self.dropped = self.bypassed = self.repeated = 0
        self.last_in = None  # when the last frame was captured

    def captured(self):
        with self._lock:
            self.last_in = self._clock()
            self.frames_in += 1
            self._in.append(self.last_in)

    def worked(self, work_ms):
        """A frame was sharpened in that time."""
        with self._lock:
            self._work.append((self._clock(), work_ms))
            self._all_work.add(work_ms)

    def sent(self, frame):
        with self._lock:
            now = self._clock()
            latency_ms = 1e3 * (now - frame.captured_at)
            self.frames_out += 1
            self._out.append((now, latency_ms))
            self._latency.add(latency_ms)

    def count(self, **more):
        """Add to dropped, bypassed or repeated."""
        with self._lock:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)

    def fps_in(self):
        """Frames a second captured lately; None before there are two."""
        with self._lock:
            return _rate(self._in, self._clock(), self._started_at)

    def work_ms(self):
        """Median time lately spent on a frame; None before there is one."""
        with self._lock:
            since = self._clock() - WINDOW_S
            recent = [work for at, work in self._work if at >= since]
        return float(np.median(recent)) if recent else None

    def now(self):
        """Plain numbers of the last WINDOW_S seconds; None for what is not known yet."""
        with self._lock:
            at = self._clock()
            since = at - WINDOW_S
            latencies = [latency for sent_at, latency in self._out if sent_at >= since]
            work = [milliseconds for done_at, milliseconds in self._work if done_at >= since]
            return {
                "fps_in": _rounded(_rate(self._in, at, self._started_at)),
                "fps_out": _rounded(_rate([sent_at for sent_at, _ in self._out], at, self._started_at)),
                "latency_p50_ms": _percentile(latencies, 50),
                "latency_p95_ms": _percentile(latencies, 95),
                "work_ms": _percentile(work, 50),
                **self._counts(),
            }

    def whole_run(self):
        """Plain numbers of everything since the start."""
        with self._lock:
            seconds = self._clock() - self._started_at
            return {
                "seconds": round(seconds, 2),
                "fps_in": round(self.frames_in / seconds, 2) if seconds > 0 else None,
                "fps_out": round(self.frames_out / seconds, 2) if seconds > 0 else None,
                "latency_p50_ms": self._latency(50),
                "latency_p95_ms": self._latency(95),
                "latency_p99_ms": self._latency(99),
                "work_p50_ms": self._all_work(50),
                "work_p95_ms": self._all_work(95),
                **self._counts(),
            }

    def _counts(self):
        return {
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "dropped": self.dropped,
            "bypassed": self.bypassed,
            "repeated": self.repeated,
        }


def _rate(times, now, started_at):
    since = max(now - WINDOW_S, started_at)
    recent = sum(1 for at in times if at >= since)
    if now - since <= 0 or recent < 2:
        return None if not recent else recent / WINDOW_S
    return recent / (now - since)


def _rounded(number):
    return None if number is None else round(number, 1)


def _percentile(numbers, percent):
    return round(float(np.percentile(numbers, percent)), 1) if numbers else None
