"""Fuzz at the doors: frames and messages of the Live tab, requests of the study. Bounded here; findings stay here.

Damaged picture files: tests/engine/test_images_bad.py. `python -m tests.measure.fuzz --minutes N` goes on.
"""

import json
import struct

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadImage
from tests.engine.test_images_bad import damaged
from tests.webui.live_server import Camera, soft_frame
from tests.webui.pictures import encoded, scene
from tests.webui.study_process import SCREEN, Volunteer
from webui.live_jpeg import decode

MOST_PIXELS = 300_000


def live_frame(content):
    """What a visitor's frame may be: pixels within the limit, or a BadImage of one line."""
    try:
        pixels = decode(content, MOST_PIXELS)
        assert pixels.dtype == np.uint8 and pixels.shape[0] * pixels.shape[1] <= MOST_PIXELS
    except BadImage as error:
        assert "\n" not in str(error) and len(str(error)) < 300


FRAME_FILES = [soft_frame(31, 44), encoded(scene(31, 44), "JPEG", progressive=True), encoded(scene(9, 9, 0), "JPEG")]


@given(damaged(FRAME_FILES))
@settings(max_examples=200)
def test_any_damaged_frame_is_read_or_refused_in_one_line(content):
    live_frame(content)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=30),
        st.sampled_from([2**63, -1, "", "small", 1e308]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)
WORDS = st.one_of(
    st.text(max_size=60),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["settings", "here", "preview", "", "x"])},
        optional={"strength": VALUES, "student": VALUES, "more": VALUES},
    ).map(lambda value: json.dumps(value)),
)
FRAMES = st.one_of(
    st.binary(max_size=40),
    damaged([soft_frame(31, 44)]).map(lambda jpeg: struct.pack(">I", 7) + jpeg),
    st.just(struct.pack(">I", 1) + soft_frame(31, 44)),
)


MESSAGES = st.lists(st.one_of(WORDS, FRAMES), min_size=1, max_size=6)


def live_protocol(page, messages):
    """The messages get answers or a refusal in words with its code, never "something went wrong here"."""
    from websockets.exceptions import ConnectionClosed

    said, printed = [], len(page.output)
    with Camera(page.address.replace("http://", "ws://")) as camera:
        assert camera.first["type"] == "ready", camera.first
        try:
            for message in messages:
                camera.socket.send(message)
            while True:
                said.append(camera.socket.recv(timeout=0.2))
        except (ConnectionClosed, TimeoutError):
            pass
        code = camera.socket.protocol.close_code
    assert code in (None, 1000, 1003, 1008, 1009), (code, said, messages)
    assert not [one for one in said if isinstance(one, str) and "went wrong" in one], messages
    assert "Traceback" not in page.output[printed:], messages


@pytest.mark.slow
@given(MESSAGES)
@settings(max_examples=25)
def test_any_messages_of_the_live_tab_are_answered_or_refused_in_words(page, messages):
    live_protocol(page, messages)


BODIES = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"trial": VALUES, "score": VALUES, "other_score": VALUES, "response_ms": VALUES},
        optional={"comment": VALUES, "age_ms": VALUES},
    ).map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional=dict.fromkeys(SCREEN, VALUES)).map(lambda value: json.dumps(value).encode()),
)
TOKENS = st.one_of(st.just(""), st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))


def study_request(process, own, path, token, body):
    """One request with some token and body: answered or refused, never our fault. own: a token that is one."""
    printed = len(process.output)
    headers = {"X-Session": own if token is None else token, "Content-Type": "application/json"}
    reply = httpx.post(f"{process.address}/api/{path}", content=body, headers=headers, trust_env=False, timeout=30)
    assert reply.status_code in (200, 400, 404, 405, 409, 413, 422), (reply.status_code, path, token, body)
    assert "Traceback" not in process.output[printed:], (path, token, body)


REQUESTS = (
    st.sampled_from(["check", "answer", "answer", "consent", "state", "picture/x"]),
    st.one_of(st.none(), TOKENS),
    BODIES,
)


@pytest.fixture(scope="module")
def begun(study):
    """(process, token of a session whose first pictures were seen)."""
    with Volunteer(study[0].address, study[0].token) as volunteer:
        volunteer.look(volunteer.begin())
        yield study[0], volunteer.token


@pytest.mark.slow
@given(*REQUESTS)
@settings(max_examples=100)
def test_any_request_to_the_study_is_answered_or_refused(begun, path, token, body):
    study_request(*begun, path, token, body)
