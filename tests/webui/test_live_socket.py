"""Laws of the browser camera's WebSocket, over a real server with a real student: frames, turns, refusals, leaving."""

import contextlib
import json
import threading
import time

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from engine.live.frames import Frame
from engine.live.stream_sharpener import StreamSharpener
from tests.webui.live_server import WAIT_S, Camera, eventually, live_server, soft_frame
from tests.webui.page_process import tiny_mixture, tiny_student
from webui.live_jpeg import decode, encode
from webui.live_protocol import write_frame
from webui.live_visitors import LiveLimits, Visitors, open_stream_sharpener

FRAME = soft_frame()


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    folder = tmp_path_factory.mktemp("students")
    return [str(tiny_student(folder)), str(tiny_mixture(folder))]


class Opened:
    """Opens real streams and remembers them."""

    def __init__(self):
        self.streams = []
        self.closed = 0

    def __call__(self, name):
        stream = open_stream_sharpener(name, backend="onnx", threads=1)
        close = stream.close

        def counted():
            self.closed += 1
            close()

        stream.close = counted
        self.streams.append(stream)
        return stream


@pytest.fixture
def serve(students):
    """serve(**limits) gives (address, Visitors, Opened); everything is given back at the end."""
    running = []

    def start(**limits):
        opened = Opened()
        visitors = Visitors(students, students[0], opened, LiveLimits(**limits))
        context = live_server(visitors)
        running.append((context, visitors, opened))
        return context.__enter__(), visitors, opened

    yield start
    for context, visitors, opened in running:
        context.__exit__(None, None, None)
        visitors.close()
        assert visitors.inside == 0 and opened.closed == len(opened.streams)


def refusal_of(socket):
    """(code, sentence) that a connection is closed with: said in JSON, and in the close frame."""
    said = None
    try:
        while True:
            message = socket.recv(timeout=WAIT_S)
            if isinstance(message, str) and (words := json.loads(message))["type"] == "refused":
                said = words
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, "the connection broke off instead of being closed"
        if said is not None:
            assert said["code"] == closed.rcvd.code and said["message"].startswith(closed.rcvd.reason)
        return closed.rcvd.code, said["message"] if said else closed.rcvd.reason


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.7])
def test_frames_come_back_as_the_engine_sharpens_them_within_the_loss_of_jpeg(serve, students, strength):
    address, _visitors, _opened = serve()
    pixels = decode(FRAME, 10**6)
    with StreamSharpener(students[0], backend="onnx") as sharpener, Camera(address) as camera:
        expected = sharpener(Frame(pixels, 0, 0.0), strength)
        camera.settings(strength=strength)
        number, jpeg = camera.round_trip(7, FRAME)
    sharp, as_jpeg = decode(jpeg, 10**6).astype(int), decode(encode(expected), 10**6)
    assert number == 7 and sharp.shape == pixels.shape
    assert np.abs(sharp - as_jpeg).mean() < 0.2  # the coder's steps may fall differently by a rounding
    assert np.abs(sharp - decode(encode(pixels), 10**6)).mean() > 1  # it is not the frame that was sent


def test_strength_zero_comes_back_as_it_went(serve):
    address, _visitors, _opened = serve()
    with Camera(address) as camera:
        camera.settings(strength=0)
        assert camera.round_trip(1, FRAME)[1] == encode(decode(FRAME, 10**6))


def test_a_setting_holds_from_the_next_frame_on(serve):
    address, _visitors, _opened = serve()
    with Camera(address) as camera:
        first = camera.round_trip(1, FRAME)[1]
        camera.settings(strength=0)
        second = camera.round_trip(2, FRAME)[1]
        camera.settings(strength=1)
        third = camera.round_trip(3, FRAME)[1]
    assert first == third != second


def test_another_student_can_be_chosen_and_says_what_it_measures(serve, students):
    address, _visitors, opened = serve()
    with Camera(address) as camera:
        assert camera.first["type"] == "ready" and camera.first["students"] == students
        first = camera.round_trip(1, FRAME)[1]
        camera.settings(student=students[1])
        second = camera.round_trip(2, FRAME)[1]
        camera.round_trip(3, FRAME)
    assert first != second and opened.closed >= 1
    assert [words["type"] for words in camera.said] == ["measured"] and "blur" in camera.said[0]["message"]


def test_the_size_may_change_in_the_middle(serve):
    address, _visitors, _opened = serve()
    with Camera(address) as camera:
        for number, (height, width) in enumerate([(96, 128), (33, 47), (128, 96), (1, 1)]):
            jpeg = camera.round_trip(number, soft_frame(height, width))[1]
            assert decode(jpeg, 10**6).shape == (height, width, 3)


def test_of_frames_that_pile_up_the_newest_comes_back_and_order_is_kept(serve):
    address, _visitors, _opened = serve()
    frame = soft_frame(480, 640)
    with Camera(address) as camera:
        for number in range(40):
            camera.send(number, frame)
        numbers = []
        while not numbers or numbers[-1] != 39:
            numbers.append(camera.answer()[0])
    assert numbers == sorted(set(numbers)) and len(numbers) < 40


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (write_frame(1, b"no picture at all"), 1003, "not a JPEG"),
        (b"", 1003, "no picture"),
        (b"\0\0\0\1", 1003, "no picture"),
        (write_frame(1, FRAME[: len(FRAME) // 2]), 1003, "cut off"),
        (write_frame(1, b"\xff\xd8\xff" + bytes(150_000)), 1009, "too large"),
        (bytes(5_000_000), 1009, ""),
        ("no json", 1003, "JSON"),
        ('{"type": "settings", "strength": 9}', 1008, "strength"),
        ('{"type": "settings", "student": "/etc/passwd"}', 1008, "no student"),
    ],
    ids=["words", "empty", "no JPEG", "cut", "too large", "far too large", "text", "strength", "student"],
)
def test_what_breaks_the_rules_is_told_and_closed_and_frees_the_place(serve, message, code, words):
    address, visitors, _opened = serve(max_bytes=100_000)
    with Camera(address) as camera:
        camera.socket.send(message)
        if isinstance(message, str):
            camera.send(1, FRAME)  # a student is looked up for the next frame
        got, sentence = refusal_of(camera.socket)
    assert got == code and words in sentence
    assert eventually(lambda: visitors.inside == 0)


def test_too_many_pixels_are_refused(serve):
    address, _visitors, _opened = serve(max_pixels=10_000)
    with Camera(address) as camera:
        camera.send(1, FRAME)
        assert refusal_of(camera.socket)[0] == 1009


def test_too_fast_is_refused(serve):
    address, _visitors, _opened = serve(messages_per_s=5)
    with Camera(address) as camera:
        with pytest.raises(ConnectionClosed):
            for number in range(10_000):
                camera.send(number, FRAME)
        code, sentence = refusal_of(camera.socket)
    assert code == 1008 and "too fast" in sentence


def test_who_sends_nothing_gives_up_the_place(serve):
    address, visitors, _opened = serve(idle_s=0.3)
    with Camera(address) as camera:
        code, sentence = refusal_of(camera.socket)
    assert code == 1000 and "place" in sentence and eventually(lambda: visitors.inside == 0)


def test_of_fifty_visitors_those_past_the_limit_are_told_busy_and_the_others_get_equal_turns(serve):
    address, visitors, _opened = serve(places=6, at_once=2)
    frame, counts, busy, ends = soft_frame(240, 320), [], [], threading.Event()
    all_here = threading.Barrier(50)

    def visit():
        with Camera(address) as camera:
            all_here.wait(WAIT_S)
            if camera.first["type"] == "refused":
                busy.append(camera.first["message"])
                return
            done = 0
            while not ends.is_set():
                camera.round_trip(done, frame)
                done += 1
                if done == 25:
                    ends.set()
            counts.append(done)

    threads = [threading.Thread(target=visit, daemon=True) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * WAIT_S)
    assert len(counts) == 6 and len(busy) == 44
    assert all("busy" in sentence and "6 visitors" in sentence for sentence in busy)
    assert max(counts) - min(counts) <= 25 * 0.5, counts  # who came last has opened a student first
    assert eventually(lambda: visitors.inside == 0)


def test_a_flooding_visitor_does_not_starve_a_polite_one(serve):
    address, _visitors, _opened = serve(at_once=1, messages_per_s=100_000)
    frame, ends = soft_frame(240, 320), threading.Event()

    def flood():
        with Camera(address) as camera:
            number = 0
            while not ends.is_set():
                number += 1
                camera.send(number, frame)
                with contextlib.suppress(TimeoutError):
                    camera.socket.recv(timeout=0)

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    try:
        with Camera(address) as camera:
            for number in range(10):
                assert camera.round_trip(number, frame)[0] == number
    finally:
        ends.set()
        flooding.join(WAIT_S)


def test_a_place_is_free_again_when_its_visitor_leaves_in_any_way(serve):
    address, visitors, opened = serve(places=2)
    threads = threading.active_count()
    for number in range(6):
        camera = Camera(address)
        assert camera.first["type"] == "ready"
        camera.send(1, soft_frame(480, 640))
        if number % 2:
            camera.socket.close()
        else:
            camera.socket.socket.close()  # a browser that is killed: no close frame
        assert eventually(lambda: visitors.inside == 0), number
    assert eventually(lambda: opened.closed == len(opened.streams))
    assert threading.active_count() <= threads + 12  # the turns' threads and the pool's, not one a visitor


def test_a_fault_of_ours_is_said_as_one_and_closes_one_connection_alone(students, capfd):
    class Broken:
        degradation = None

        def __call__(self, frame, strength):
            raise RuntimeError("a backend broke")

        def close(self):
            pass

    visitors = Visitors(students, students[0], lambda name: Broken())
    with live_server(visitors) as address:
        with Camera(address) as other, Camera(address) as camera:
            camera.send(1, FRAME)
            code, sentence = refusal_of(camera.socket)
            other.settings(strength=0.3)
            assert eventually(lambda: visitors.inside == 1)
        assert code == 1011 and "went wrong" in sentence
    visitors.close()
    assert "a backend broke" in capfd.readouterr().err


def test_the_server_stops_while_visitors_are_live(students):
    visitors = Visitors(students, students[0])
    with contextlib.ExitStack() as left_open:
        with live_server(visitors) as address:
            camera = left_open.enter_context(Camera(address))
            camera.send(1, FRAME)
            begun_at = time.monotonic()
        visitors.close()
        assert time.monotonic() - begun_at < 30 and visitors.inside == 0
        with pytest.raises(ConnectionClosed):
            while True:
                camera.socket.recv(timeout=WAIT_S)
