"""Laws of the live session: one stream at a time, everything settable while it runs, nothing left when it stops."""

import json
import os
import re
import threading
import time

import numpy as np
import pytest

from engine.errors import BadOutput, BadSetting, BadVideo, SinkLost, SourceLost, UnknownModel
from engine.live import session as session_module
from engine.live.pattern import read_code
from engine.live.session import LiveSession, LiveSettings, the_session
from tests.engine.live.fakes import FakeCamera
from tests.engine.video.clips import contents, make_clip, moving

SMALL = {"source": "pattern", "height": 96, "width": 160, "fps": 30, "model": "nano", "output": "null", "auto": False}
NO_DRIVER = not any(os.path.exists(f"/dev/video{number}") for number in range(16))


@pytest.fixture
def session():
    with_us = set(threading.enumerate())
    live = LiveSession()
    yield live
    live.stop()
    assert not [thread.name for thread in set(threading.enumerate()) - with_us if "whetstone" in thread.name]


def started(session, **settings):
    session.start(LiveSettings(**{**SMALL, **settings}))
    return session


def pair_after(session, index=None, timeout_s=60):
    pair = session.newer_preview(index, timeout_s)
    assert pair is not None, session.stats()
    return pair


def wait_until(what, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_before_the_first_start_it_can_be_asked_everything(session):
    assert session.preview() is None and not session.running and session.stop() is None and session.wait(0)
    assert session.stats()["state"] == "stopped" and session.whole_run() is None and session.error is None
    session.set_strength(1.5)
    for work in (lambda: session.set_student("nano"), lambda: session.start_recording("a.mp4")):
        with pytest.raises(BadSetting, match="nothing runs"):
            work()


def test_a_run_shows_pairs_of_the_same_moment_and_plain_figures(session):
    started(session)
    before, after = pair_after(session)
    assert before.index == after.index and read_code(before.pixels).index == before.index
    wait_until(lambda: session.stats()["frames_out"] >= 5)
    figures = json.loads(json.dumps(session.stats()))
    assert figures["running"] and figures["state"] == "running" and figures["source"] == "test pattern"
    assert figures["frames_in"] >= figures["frames_out"] + figures["dropped"] and figures["memory_mb"] > 10
    assert (figures["height"], figures["width"], figures["student"]) == (96, 160, "nano")
    documented = set(re.findall(r"\w+", LiveSession.stats.__doc__))
    assert set(figures) <= documented
    last = session.stop()
    assert last["frames_out"] >= 5 and session.stats()["state"] == "stopped" and not session.running
    assert session.preview() is not None  # the last pair stays


def test_strength_and_bypass_act_on_the_frames_that_follow(session):
    started(session, strength=0.0)
    before, after = pair_after(session)
    assert after.pixels is before.pixels
    session.set_strength(2.0)
    for _ in range(2):  # the first may have been on its way
        pair_after(session, session.preview()[0].index)
    before, after = session.preview()
    assert after.pixels is not before.pixels
    session.set_bypass(True)
    for _ in range(2):
        pair_after(session, session.preview()[0].index)
    before, after = session.preview()
    assert after.pixels is before.pixels and session.stats()["bypass"] and session.stats()["strength"] == 2.0


def test_another_student_takes_over_without_a_stop(session):
    started(session)
    pair_after(session)
    session.set_student("small")
    frames = session.stats()["frames_out"]
    wait_until(lambda: session.stats()["frames_out"] > frames + 2)
    assert session.stats()["student"] == "small" == session.stats()["chosen_student"]
    with pytest.raises(UnknownModel):
        session.set_student("enormous")
    assert session.stats()["student"] == "small" and session.running


def test_the_source_is_never_overwritten(session, tmp_path):
    film = make_clip(tmp_path / "film.mp4", moving(20))
    before = film.read_bytes()
    (tmp_path / "link.mp4").symlink_to(film)
    for name in ("film.mp4", "link.mp4"):
        with pytest.raises(BadOutput, match="is the source, which is never overwritten"):
            started(session, source=str(film), output=str(tmp_path / name), overwrite=True)
    assert film.read_bytes() == before and not session.running


def test_the_newest_message_is_of_this_run(session):
    started(session)
    session._say("auto quality: 200 ms a frame, 33 ms available: now nano at full rate")
    assert "auto quality" in session.stats()["message"]
    session.stop()
    assert "auto quality" in session.stats()["message"]  # of the run that was last
    started(session)
    assert session.stats()["message"] == "" and "auto quality" in session.stats()["messages"][-1][1]
    session._say("news")
    assert session.stats()["message"] == "news"


def test_recording_is_switched_on_and_off_while_it_runs(session, tmp_path):
    started(session)
    pair_after(session)
    session.start_recording(tmp_path / "a.mp4")
    with pytest.raises(BadSetting, match="already recording"):
        session.start_recording(tmp_path / "b.mp4")
    begun = session.stats()["frames_out"]
    assert session.stats()["recording"] == str(tmp_path / "a.mp4")
    wait_until(lambda: session.stats()["frames_out"] > begun + 8)
    assert session.stop_recording() == tmp_path / "a.mp4" and session.stats()["recording"] is None
    assert session.running and session.stop_recording() is None
    codes = [read_code(pixels).index for pixels in contents(tmp_path / "a.mp4").rgb]
    assert codes == sorted(set(codes)) and len(codes) >= 3
    with pytest.raises(BadOutput, match="exists already"):
        session.start_recording(tmp_path / "a.mp4")


def test_a_stop_ends_a_recording_with_a_whole_file(session, tmp_path):
    started(session, output=str(tmp_path / "out.mp4"))
    session.start_recording(tmp_path / "a.mp4")
    wait_until(lambda: session.stats()["frames_out"] >= 5)
    session.stop()
    assert len(contents(tmp_path / "a.mp4").times) >= 1 and len(contents(tmp_path / "out.mp4").times) >= 1
    assert sorted(os.listdir(tmp_path)) == ["a.mp4", "out.mp4"]


def test_starting_again_takes_the_place_of_the_first_run(session):
    started(session)
    pair_after(session)
    started(session, height=48, width=128)
    assert pair_after(session)[0].pixels.shape == (48, 128, 3)
    assert len([thread for thread in threading.enumerate() if thread.name == "whetstone-capture"]) == 1


@pytest.mark.skipif(not NO_DRIVER, reason="a virtual camera may be here")
def test_without_a_driver_the_preview_works_and_the_message_names_the_fix(session):
    started(session, output="virtual")
    assert "modprobe v4l2loopback" in session.stats()["message"]
    assert session.stats()["message"].endswith("the preview works without")
    pair_after(session)
    with pytest.raises(SinkLost, match="modprobe v4l2loopback"):
        started(session, output="virtual", output_needed=True)
    assert not session.running


@pytest.mark.parametrize(
    "settings, kind",
    [
        ({"source": "none.mp4"}, BadVideo),
        ({"model": "enormous"}, UnknownModel),
        ({"output": "no/where.mp4"}, BadOutput),
        ({"height": 20}, BadSetting),
    ],
)
def test_what_cannot_start_raises_and_leaves_nothing_open(session, settings, kind):
    with pytest.raises(kind):
        started(session, **settings)
    assert not session.running and session.stats()["state"] == "stopped"


@pytest.mark.skipif(not NO_DRIVER, reason="a camera may be here")
def test_no_camera_is_told(session):
    with pytest.raises(SourceLost, match="there is no camera 0"):
        started(session, source=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"height": 0}, {"width": 5000}, {"height": 1.5}, {"fps": 0}, {"fps": "fast"}, {"strength": 3},
        {"source": ""}, {"output": ""},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(BadSetting):
        LiveSettings(**settings)


def test_a_file_that_breaks_while_it_plays_ends_the_run_with_its_error(session, tmp_path, monkeypatch):
    class Breaks(FakeCamera):
        def read(self):
            if self.index == 2:
                raise BadVideo("film.mp4 is damaged")
            return super().read()

    monkeypatch.setattr(session_module, "open_source", lambda settings: Breaks(5))
    started(session)
    assert session.wait(60)
    assert session.stats()["state"] == "failed" and session.stats()["message"] == "film.mp4 is damaged"
    assert isinstance(session.error, BadVideo) and not session.running


def test_a_video_is_a_source_whose_frames_are_sharpened(session, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", moving(10, 240, 320), options={"crf": "8"})
    started(session, source=str(clip))
    before, after = pair_after(session)
    assert before.pixels.shape == (240, 320, 3)
    wait_until(lambda: np.abs(session.preview()[0].pixels.astype(int) - session.preview()[1].pixels).mean() > 0.5)
    wait_until(lambda: "blur" in session.stats()["measured"])


def test_many_threads_may_drive_it_at_once(session):
    started(session)
    errors = []

    def drive(seed):
        try:
            for step in range(20):
                session.set_strength((seed + step) % 3)
                session.set_bypass(step % 2)
                session.stats()
                session.preview()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=drive, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and session.running


def test_there_is_one_session_a_process():
    assert the_session() is the_session()
