"""Laws of this machine's camera as pages drive it: a real server, the engine's own session and test picture."""

import contextlib
import json
import time

import numpy as np
import pytest
from websockets.sync.client import connect

from tests.webui.live_server import WAIT_S, eventually, live_server
from tests.webui.page_process import tiny_student
from webui.host_camera import HostCamera, recordings_folder
from webui.host_socket import HOST_PATH
from webui.live_jpeg import decode
from webui.live_protocol import read_preview

START = {"type": "start", "source": "pattern", "height": 96, "width": 128, "fps": 30, "virtual": False}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return str(tiny_student(tmp_path_factory.mktemp("students")))


@pytest.fixture
def host(student, tmp_path):
    camera = HostCamera([student], student, backend="onnx", recordings=tmp_path / "recordings")
    yield camera
    camera.close()


@pytest.fixture
def address(host):
    with live_server(host=host) as running:
        yield running


class Page:
    """A page that shows this machine's camera."""

    def __init__(self, address):
        self._stack = contextlib.ExitStack()
        connection = connect(address + HOST_PATH, max_size=2**24, open_timeout=WAIT_S, proxy=None)
        self.socket = self._stack.enter_context(connection)
        self.offers = json.loads(self.socket.recv(timeout=WAIT_S))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def say(self, kind, **values):
        self.socket.send(json.dumps({"type": kind, **values}))

    def next(self, kind, condition=lambda message: True):
        """The next message of that kind that meets a condition; kind bytes: a preview."""
        ends_at = time.monotonic() + WAIT_S
        while time.monotonic() < ends_at:
            message = self.socket.recv(timeout=WAIT_S)
            if isinstance(message, bytes):
                if kind == "preview":
                    return read_preview(message)
            elif (words := json.loads(message))["type"] == kind and condition(words):
                return words
        raise AssertionError(f"no such {kind} in {WAIT_S} s")

    def preview(self):
        """(index, before, after), pixels."""
        self.say("preview")
        index, before, after = self.next("preview")
        return index, decode(before, 10**7), decode(after, 10**7)


def running(state):
    return state["running"] and (state.get("frames_out") or 0) > 2


def test_a_page_is_offered_cameras_sizes_rates_and_students(address, student):
    with Page(address) as page:
        assert page.offers["sources"][-1]["source"] == "pattern"
        assert {"height": 720, "width": 1280} in page.offers["sizes"] and 30 in page.offers["rates"]
        assert page.offers["students"] == [student] and page.offers["student"] == student
        state = page.next("state")
        assert state["running"] is False and state["state"] == "stopped"


def test_start_shows_the_same_moment_before_and_after_and_stop_ends_it(address, host):
    with Page(address) as page:
        page.say(**{"kind": "start", **{key: value for key, value in START.items() if key != "type"}})
        state = page.next("state", running)
        assert (state["height"], state["width"], state["settings"]["source"]) == (96, 128, "pattern")
        index, before, after = page.preview()
        later, _before, _after = page.preview()
        assert before.shape == after.shape == (96, 128, 3) and later > index
        assert 0.5 < np.abs(before.astype(int) - after).mean() < 60
        page.say("stop")
        assert page.next("state", lambda state: not state["running"])["state"] == "stopped"
    assert not host.session.running


def start(page, **more):
    page.say(**{"kind": "start", **{key: value for key, value in START.items() if key != "type"}, **more})
    return page.next("state", running)


def test_strength_and_bypass_change_the_frames_that_follow(address):
    with Page(address) as page:
        start(page)
        page.say("bypass", value=True)
        page.next("state", lambda state: state["bypass"])

        def difference():
            _index, before, after = page.preview()
            return np.abs(before.astype(int) - after).mean()

        assert eventually(lambda: difference() == 0)
        page.say("bypass", value=False)
        assert eventually(lambda: difference() > 0.5)
        page.say("strength", value=0)
        page.next("state", lambda state: state["strength"] == 0)
        assert eventually(lambda: difference() == 0)


def test_closing_the_page_does_not_stop_the_call_and_another_page_controls_the_same(address, host):
    with Page(address) as first:
        start(first)
    sent = host.session.stats()["frames_out"]
    assert eventually(lambda: host.session.stats()["frames_out"] > sent + 5) and host.session.running
    with Page(address) as second, Page(address) as third:
        assert second.next("state", running) and third.next("state", running)
        second.say("strength", value=1.5)
        assert third.next("state", lambda state: state["strength"] == 1.5)
        third.say("stop")
        assert second.next("state", lambda state: not state["running"])


def test_a_page_that_reads_nothing_slows_neither_the_call_nor_another_page(address, host):
    with Page(address) as slow, Page(address) as quick:
        start(quick)
        for _ in range(50):
            slow.say("preview")
        sent = host.session.stats()["frames_out"]
        begun_at = time.monotonic()
        assert eventually(lambda: host.session.stats()["frames_out"] > sent + 20)
        for _ in range(3):
            quick.preview()
        assert time.monotonic() - begun_at < WAIT_S


def test_one_pair_is_encoded_for_all_pages_and_at_most_ten_a_second(host, monkeypatch):
    from webui import host_camera

    encoded = []
    real = host_camera.encode
    monkeypatch.setattr(host_camera, "encode", lambda pixels, quality: encoded.append(1) or real(pixels, quality))
    host.do(START)
    begun_at = time.monotonic()
    while time.monotonic() - begun_at < 1:
        for _page in range(5):
            host.preview(None)
    assert 2 <= len(encoded) <= 2 * (1 + (time.monotonic() - begun_at) / host_camera.PREVIEW_EVERY_S)


def test_a_recording_is_a_whole_film_in_the_folder_and_nowhere_else(address, host, tmp_path):
    import av

    with Page(address) as page:
        start(page)
        page.say("record", value=True, path="/elsewhere.mp4")
        assert page.next("state", lambda state: state["recording"])["recording"].startswith(str(tmp_path))
        sent = host.session.stats()["frames_out"]
        assert eventually(lambda: host.session.stats()["frames_out"] > sent + 10)
        page.say("record", value=False)
        saved = page.next("state", lambda state: not state["recording"])["saved"]
        page.say("stop")
        assert page.next("state", lambda state: not state["running"])["saved"] == saved  # stays
    (film,) = (tmp_path / "recordings").iterdir()
    assert saved == str(film)
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 5


@pytest.mark.parametrize(
    "message",
    [
        {**START, "source": "/etc/passwd"},
        {**START, "source": "film.mp4"},
        {**START, "source": -1},
        {**START, "source": True},
        {**START, "source": ["pattern"]},
        {**START, "height": 0},
        {**START, "height": "720"},
        {**START, "width": 10**9},
        {**START, "fps": 0},
        {**START, "fps": None},
        {**START, "student": "/etc/passwd"},
        {**START, "student": {}},
        {**START, "strength": 7},
        {"type": "strength", "value": "x"},
        {"type": "student", "value": "nobody"},
        {"type": "record", "value": True},
        {"type": "format-disk"},
        {"type": "start", "source": 77, "virtual": False},
    ],
    ids=lambda message: " ".join(str(value)[:12] for value in message.values()),
)
def test_a_click_that_cannot_be_is_one_line_and_the_page_goes_on(address, message):
    with Page(address) as page:
        page.say(**{"kind": message["type"], **{key: value for key, value in message.items() if key != "type"}})
        trouble = page.next("trouble")["message"]
        assert trouble and "\n" not in trouble and len(trouble) < 500
        assert page.next("state")["running"] is False


def test_without_a_virtual_camera_driver_the_preview_works_and_the_message_names_the_fix(address, host, monkeypatch):
    from engine.errors import SinkLost
    from engine.live import virtual_camera

    def absent(*_):
        raise SinkLost("there is no virtual camera: `sudo modprobe v4l2loopback`")

    monkeypatch.setattr(virtual_camera, "VirtualCamera", absent)  # the real one may be there
    with Page(address) as page:
        state = start(page, virtual=True)
        assert "modprobe" in state["message"] and "preview works" in state["message"]
        assert page.preview()[1].shape == (96, 128, 3)
        host.session._say("auto quality: now nano")  # a passing notice
        state = page.next("state", lambda state: "nano" in state["message"])
        assert "modprobe" in state["trouble"]
        assert start(page, virtual=False)["trouble"] == ""


def record_some(page, host):
    """Begin a recording and wait until ten frames may be in it."""
    page.say("record", value=True)
    page.next("state", lambda state: state["recording"])
    sent = host.session.stats()["frames_out"]
    assert eventually(lambda: host.session.stats()["frames_out"] > sent + 10)


def test_a_recording_that_stop_ends_is_named_too(address, host):
    with Page(address) as page:
        start(page)
        record_some(page, host)
        page.say("stop")
        assert page.next("state", lambda state: not state["running"])["saved"].endswith(".mp4")


def test_a_recording_that_a_failed_start_ends_is_named_too(address, host):
    with Page(address) as page:
        start(page)
        record_some(page, host)
        page.say(**{"kind": "start", **{key: value for key, value in START.items() if key != "type"}, "source": 77})
        page.next("trouble")
        assert page.next("state", lambda state: not state["running"])["saved"].endswith(".mp4")


def test_two_recordings_of_one_second_have_two_names(address, host, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda _form: "whetstone-2026-11-27-20-00-00")
    saved = []
    with Page(address) as page:
        start(page)
        for _ in range(3):
            record_some(page, host)
            page.say("record", value=False)
            saved.append(page.next("state", lambda state: state["saved"] and not state["recording"])["saved"])
    stem = "whetstone-2026-11-27-20-00-00"
    assert [name.rsplit("/")[-1] for name in saved] == [f"{stem}.mp4", f"{stem}-2.mp4", f"{stem}-3.mp4"]


def test_recordings_go_to_the_persons_videos_where_there_is_such_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert recordings_folder() == tmp_path / "Whetstone"
    (tmp_path / "Videos").mkdir()
    assert recordings_folder() == tmp_path / "Videos" / "Whetstone"
