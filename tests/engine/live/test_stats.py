"""Laws of the figures: rates and percentiles are what they are called, and memory does not grow with time."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.live.frames import Frame
from engine.live.stats import BIN_MS, Percentiles, Stats
from tests.engine.live.fakes import FakeClock, picture


@given(st.lists(st.floats(0, 9_999), min_size=1, max_size=200), st.integers(1, 100))
def test_percentiles_are_those_of_the_numbers_to_half_a_millisecond(values, percent):
    percentiles = Percentiles()
    for value in values:
        percentiles.add(value)
    expected = np.percentile(values, percent, method="inverted_cdf")
    assert percentiles(percent) == pytest.approx(expected, abs=BIN_MS)


def test_no_number_has_no_percentile():
    assert Percentiles()(50) is None
    now = Stats(FakeClock()).now()
    assert now["latency_p95_ms"] is None and now["fps_in"] is None and now["work_ms"] is None


def run(stats, clock, seconds, fps, latency_s):
    for index in range(round(seconds * fps)):
        clock.now += 1 / fps
        stats.captured()
        stats.worked(1e3 * latency_s / 2)
        stats.sent(Frame(picture(index), index, clock.now - latency_s))


def test_rates_and_latency_of_the_last_seconds_and_of_the_whole_run():
    clock = FakeClock()
    stats = Stats(clock)
    run(stats, clock, 20, 30, 0.02)
    run(stats, clock, 5, 10, 0.2)
    now, whole = stats.now(), stats.whole_run()
    assert now["fps_in"] == pytest.approx(10, abs=0.5) and now["fps_out"] == pytest.approx(10, abs=0.5)
    assert now["latency_p50_ms"] == pytest.approx(200, abs=1) and now["work_ms"] == pytest.approx(100, abs=1)
    assert whole["fps_out"] == pytest.approx(650 / 25, abs=0.1)
    assert whole["latency_p50_ms"] == pytest.approx(20, abs=1) and whole["latency_p99_ms"] == pytest.approx(200, abs=1)


def test_an_hour_takes_no_more_memory_than_a_minute():
    def size(stats):
        return sum(sys.getsizeof(part) for part in (stats._in, stats._out, stats._work)) + stats._latency._counts.nbytes

    clock = FakeClock()
    stats = Stats(clock)
    run(stats, clock, 100, 30, 0.02)
    after_a_minute = size(stats)
    run(stats, clock, 3500, 30, 0.02)
    assert size(stats) < 1.05 * after_a_minute and stats.frames_out == 3600 * 30
