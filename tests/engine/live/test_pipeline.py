"""Laws of the pipeline: order, newest first, nothing lost in files, faults survived, controls that act at once."""

import threading
import time

import pytest

from engine.errors import BadSetting, SourceLost
from engine.live import pipeline as pipeline_module
from engine.live.controls import Controls
from engine.live.pipeline import FAILED, RUNNING, STALLED, STOPPED, Pipeline, _due
from engine.live.preview import Preview
from engine.live.slots import LatestSlot
from tests.engine.live.fakes import Adds, Collects, FakeCamera, FakeClock, picture


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = set(threading.enumerate())
    yield
    assert not [thread.name for thread in set(threading.enumerate()) - before if "whetstone" in thread.name]


def test_a_file_loses_no_frame_and_keeps_their_order():
    camera, sink = FakeCamera(60), Collects()
    stats = Pipeline(camera, Adds(), sink, every_frame=True).run(60)
    assert sink.indices == list(range(60))
    assert stats.frames_in == stats.frames_out == 60 and stats.dropped == 0
    assert camera.closed and sink.closed


def test_a_slow_model_drops_frames_and_what_it_gets_is_the_newest():
    """The camera gives five frames while the model works on one: a 50 ms model on a 10 ms camera, without a clock."""
    release, camera = threading.Semaphore(1), None
    lag = []

    def slow(frame, strength):
        aim = camera.index + 5
        for _ in range(5):
            release.release()
        deadline = time.monotonic() + 30
        while camera.index < min(aim, 100) and time.monotonic() < deadline:
            time.sleep(0.001)
        lag.append(camera.index - frame.index)
        return frame.pixels

    camera, sink = FakeCamera(100, release=release), Collects()
    stats = Pipeline(camera, slow, sink).run(60)
    assert sink.indices == sorted(set(sink.indices))  # in order, none twice
    assert 15 <= stats.frames_out <= 25 and stats.dropped == 100 - stats.frames_out
    # five arrive while it works and at most one may be on its way: the same after 20 rounds as after one
    assert max(lag) <= 7 and max(lag[len(lag) // 2 :]) <= max(lag[: len(lag) // 2]) + 1


def test_a_backend_error_at_frame_3_sends_frame_3_untouched_and_counts_it():
    release, sink, told = threading.Semaphore(1), Collects(), []
    running = Pipeline(FakeCamera(6, release=release), Adds(fail_at={3}), sink, tell=told.append).start()
    for number in range(1, 7):
        sink.wait_for(number)
        release.release()
    running.wait(30)
    stats = running.stop()
    assert sink.indices == [0, 1, 2, 3, 4, 5] and stats.bypassed == 1
    assert [int(frame.pixels[0, 0, 0]) for frame in sink.frames] == [50, 51, 52, 3, 54, 55]
    assert len(told) == 1 and "frame 3" in told[0] and "backend on fire" in told[0] and "untouched" in told[0]


def test_a_backend_error_while_every_frame_counts_is_raised():
    with pytest.raises(RuntimeError, match="on fire"):
        Pipeline(FakeCamera(6), Adds(fail_at={3}), Collects(), every_frame=True).run(60)


def test_the_slider_acts_on_the_next_frame():
    release, sink, controls = threading.Semaphore(1), Collects(), Controls(1.0)
    running = Pipeline(FakeCamera(5, release=release), Adds(), sink, controls=controls).start()
    for number, (name, value) in enumerate(
        [("strength", 2.0), ("bypass", True), ("bypass", False), ("strength", 0.0)], start=1
    ):
        sink.wait_for(number)
        setattr(controls, name, value)
        release.release()
    sink.wait_for(5)
    running.wait(30)
    running.stop()
    assert [int(frame.pixels[0, 0, 0]) - frame.index for frame in sink.frames] == [50, 100, 0, 100, 0]


def test_a_strength_outside_0_to_2_is_refused_and_the_old_one_stays():
    controls = Controls(1.2)
    for wrong in (-0.1, 2.1, "much", None):
        with pytest.raises(BadSetting):
            controls.strength = wrong
    assert controls.now() == 1.2


def test_an_unplugged_camera_is_told_and_taken_back():
    told, sink = [], Collects()
    pipeline = Pipeline(FakeCamera(6, losses={3: 2}), Adds(), sink, tell=told.append, retry_s=0.01)
    stats = pipeline.run(60)
    assert told == ["fake camera was unplugged; plug it in again", "fake camera is back"]
    assert stats.frames_in == 6 and sink.indices[-1] == 5 and pipeline.state == "ended"


def test_a_camera_that_does_not_come_back_can_be_stopped():
    pipeline = Pipeline(FakeCamera(6, losses={3: 10**9}), Adds(), Collects(), retry_s=0.01).start()
    while pipeline.state != "waiting":
        time.sleep(0.005)
    pipeline.stop()
    assert pipeline.state == STOPPED


def test_a_lost_sink_is_told_and_the_preview_goes_on():
    release, told, sink, preview = threading.Semaphore(0), [], Collects(lost_at=2), Preview()
    running = Pipeline(
        FakeCamera(6, release=release), Adds(), sink, preview=preview, tell=told.append, retry_s=0.01
    ).start()
    for index in range(6):
        release.release()
        deadline = time.monotonic() + 30
        while (preview.latest() is None or preview.latest()[0].index < index) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.02)
    running.wait(30)
    running.stop()
    assert told[0] == "fake sink is gone; the preview goes on" and running.sink_lost
    before, after = preview.latest()
    assert before.index == after.index == 5 and after.pixels[0, 0, 0] == 55


def test_a_sink_that_comes_back_gets_frames_again():
    release, sink = threading.Semaphore(0), Collects(lost_at=1, stays_lost=0)
    running = Pipeline(FakeCamera(40, release=release), Adds(), sink, retry_s=0.001).start()
    for _ in range(40):
        release.release()
        time.sleep(0.005)
    running.wait(30)
    stats = running.stop()
    assert not running.sink_lost and len(sink.frames) >= 2 and stats.frames_out == len(sink.frames)


def test_a_source_that_stalls_is_told_once_and_again_when_it_sends():
    clock, told, release = FakeClock(), [], threading.Semaphore(1)
    sink = Collects()
    camera = FakeCamera(10, release=release, clock=clock)
    pipeline = Pipeline(camera, Adds(), sink, tell=told.append, clock=clock)
    pipeline.start()
    try:
        sink.wait_for(1)
        assert pipeline.state == RUNNING
        clock.now += 2.9
        pipeline.tick()
        assert told == []
        clock.now += 0.2
        pipeline.tick()
        pipeline.tick()
        assert pipeline.state == STALLED and told == ["fake camera has sent nothing for 3 s; its last frame stays"]
        release.release()
        sink.wait_for(2)
        pipeline.tick()
        assert pipeline.state == RUNNING and told[1:] == ["fake camera sends again"]
    finally:
        pipeline.stop()


def test_a_slow_camera_does_not_stall_between_its_frames():
    camera = FakeCamera(10)
    camera.fps = 0.5
    clock = FakeClock()
    pipeline = Pipeline(camera, Adds(), Collects(), clock=clock)
    pipeline.state = RUNNING
    pipeline.stats.captured()
    clock.now += 4
    pipeline.tick()
    assert pipeline.state == RUNNING


def test_half_rate_sends_every_second_frame_and_counts_the_others_as_dropped():
    pipeline = Pipeline(FakeCamera(20), Adds(), Collects())
    pipeline.every_nth = 2
    stats = pipeline.run(60)
    assert all(frame.index % 2 == 0 for frame in pipeline.sink.frames)
    assert stats.frames_out + stats.dropped == 20


def test_a_sink_gets_no_more_than_its_rate_and_jitter_is_not_held_back():
    """30 frames a second asked; a source of 60 and one of 30 with 10 ms of jitter, on a clock of numbers."""

    def sent(arrivals):
        due, times = 0.0, []
        for at in arrivals:
            if at >= due:
                times.append(at)
                due = _due(due, at, 30)
        return times

    fast = sent([frame / 60 for frame in range(600)])
    assert len(fast) / 10 <= 30 * pipeline_module._HEADROOM + 0.2
    jittery = [frame / 30 + (0.01 if frame % 2 else 0) for frame in range(300)]
    assert sent(jittery) == jittery


def test_a_camera_that_breaks_the_rules_fails_the_run_with_its_error():
    class Broken(FakeCamera):
        def read(self):
            raise ZeroDivisionError("a bug")

    pipeline = Pipeline(Broken(3), Adds(), Collects())
    with pytest.raises(ZeroDivisionError):
        pipeline.run(60)
    assert pipeline.state == FAILED and pipeline.messages[-1][1] == "ZeroDivisionError: a bug"


def test_a_source_lost_while_every_frame_counts_is_an_error():
    with pytest.raises(SourceLost):
        Pipeline(FakeCamera(6, losses={3: 1}), Adds(), Collects(), every_frame=True).run(60)


def test_a_slot_counts_what_nobody_took():
    slot = LatestSlot()
    for index in range(5):
        slot.put(index)
    assert slot.take() == 4 and slot.dropped == 4 and slot.take(timeout_s=0) is None
    slot.close()
    assert slot.finished and not slot.put(9)


def test_preview_waits_for_a_newer_pair():
    from engine.live.frames import Frame

    preview, frame = Preview(), Frame(picture(3), 3, 0.0)
    assert preview.latest() is None and preview.newer_than(None, 0.01) is None
    threading.Timer(0.05, preview.offer, (frame, frame)).start()
    assert preview.newer_than(2, 30) == (frame, frame)
    assert preview.newer_than(3, 0.01) is None
