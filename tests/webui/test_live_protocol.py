"""Laws of the Live tab's messages: what is written is read again, and what is no message is one clear refusal."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.live_protocol import (
    LARGEST_TEXT,
    Pace,
    Refusal,
    Settings,
    read_answer,
    read_frame,
    read_preview,
    read_settings,
    read_words,
    write_answer,
    write_frame,
    write_preview,
)


@given(st.integers(0, 2**32 - 1), st.binary(min_size=1))
def test_a_frame_comes_out_with_the_number_it_went_in_with(number, jpeg):
    assert read_frame(write_frame(number, jpeg)) == (number, jpeg)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e6), st.binary())
def test_an_answer_carries_its_times_to_a_tenth_of_a_millisecond_and_long_ones_as_the_longest(number, time_ms, jpeg):
    read = read_answer(write_answer(number, time_ms, 0.0, jpeg))
    assert read[0] == number and read[2:] == (0.0, jpeg)
    assert read[1] == pytest.approx(min(time_ms, 6553.5), abs=0.051)


@given(st.binary(), st.binary())
def test_a_preview_holds_both_pictures_whole(before, after):
    assert read_preview(write_preview(7, before, after)) == (7, before, after)


@given(st.binary(max_size=4))
def test_a_message_without_a_picture_is_refused(message):
    with pytest.raises(Refusal):
        read_frame(message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '"type"',
        '{"strength": 1}',
        '{"type": 7}',
        "[" * 3000,
        '{"type": "%s"}' % ("x" * LARGEST_TEXT),
    ],
)
def test_text_that_is_no_message_is_refused_in_one_line(text):
    with pytest.raises(Refusal) as caught:
        read_words(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("strength", [-0.1, 2.1, "x", None, [], {}, True and "nan"])
def test_a_strength_outside_zero_to_two_is_refused(strength):
    with pytest.raises(Refusal):
        read_settings({"type": "settings", "strength": strength}, Settings())


@pytest.mark.parametrize("student", [7, ["small"], {"a": 1}])
def test_a_student_is_a_name(student):
    with pytest.raises(Refusal):
        read_settings({"type": "settings", "student": student}, Settings())


def test_what_a_message_leaves_out_stays_as_it_was():
    before = Settings(0.4, "nano")
    assert read_settings({"type": "settings"}, before) == before
    assert read_settings({"type": "settings", "strength": 2}, before) == Settings(2.0, "nano")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_any_json_is_a_message_or_a_refusal(value):
    for text in (json.dumps(value), json.dumps({"type": "settings", "strength": value, "student": value})):
        with contextlib.suppress(Refusal):
            read_settings(read_words(text), Settings())


def test_the_pace_bears_a_burst_and_refuses_a_flood():
    now = [0.0]
    pace = Pace(60, lambda: now[0])
    for _ in range(60):
        pace.count()
    with pytest.raises(Refusal, match="too fast"):
        pace.count()
    now[0] = 0.5
    for _ in range(30):
        pace.count()
    with pytest.raises(Refusal):
        pace.count()


def test_a_camera_of_60_frames_a_second_is_never_too_fast():
    now = [0.0]
    pace = Pace(120, lambda: now[0])
    for frame in range(6000):
        now[0] = frame / 60
        pace.count()
