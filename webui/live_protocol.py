"""What the Live tab's page and its server say to each other: frames with their numbers, and settings in JSON.

Page to server: a number and a JPEG (binary), or {"type": "settings", ...} and {"type": "here"} (text). Server to page:
the same number, two times and a JPEG, or {"type": ..., "message": ...}. Knows no web server and no Gradio.
"""

import json
import struct
from dataclasses import dataclass

from engine.errors import BadSetting
from engine.sharpener import checked_strength

LARGEST_TEXT = 4096  # characters of a message in JSON
_FRAME = struct.Struct(">I")  # number
_ANSWER = struct.Struct(">IHH")  # number; waited, worked in tenths of a millisecond
_PREVIEW = struct.Struct(">II")  # number, bytes of the first JPEG

# Close codes of RFC 6455, section 7.4.1, and its registry
DONE, NOT_OURS, AGAINST_THE_RULES, TOO_LARGE, OUR_FAULT, BUSY = 1000, 1003, 1008, 1009, 1011, 1013


class Refusal(Exception):
    """Why a connection is closed: str() is one sentence for the person, code a WebSocket's close code."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Settings:
    """What a visitor asks for. strength: 0 to 2; student: a name, None for the page's default."""

    strength: float = 1.0
    student: str | None = None


def read_frame(message):
    """(number, JPEG) of a binary message. Raises Refusal."""
    if len(message) <= _FRAME.size:
        raise Refusal(NOT_OURS, "a message held no picture: four bytes of its number, then a JPEG, were expected")
    return _FRAME.unpack_from(message)[0], message[_FRAME.size :]


def write_frame(number, jpeg):
    """The message of a frame, as read_frame reads it."""
    return _FRAME.pack(number) + jpeg


def read_answer(message):
    """(number, waited_ms, worked_ms, JPEG)."""
    number, waited, worked = _ANSWER.unpack_from(message)
    return number, waited / 10, worked / 10, message[_ANSWER.size :]


def write_answer(number, waited_ms, worked_ms, jpeg):
    """The message of a sharpened frame, as read_answer reads it."""
    tenths = [min(65_535, max(0, round(10 * time_ms))) for time_ms in (waited_ms, worked_ms)]
    return _ANSWER.pack(number, *tenths) + jpeg


def read_preview(message):
    """(number, JPEG before, JPEG after)."""
    number, split = _PREVIEW.unpack_from(message)
    return number, message[_PREVIEW.size : _PREVIEW.size + split], message[_PREVIEW.size + split :]


def write_preview(number, before, after):
    """The message of a pair of frames, as read_preview reads it."""
    return _PREVIEW.pack(number, len(before)) + before + after


def read_words(text):
    """A message in JSON: a dict with a "type". Raises Refusal."""
    try:
        if len(text) > LARGEST_TEXT:
            raise ValueError("too long")
        message = json.loads(text)
        if not isinstance(message["type"], str):
            raise ValueError("no word")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refusal(NOT_OURS, 'a text message was not JSON with a "type"; reload the page') from None
    return message


def read_settings(message, before):
    """Settings from a {"type": "settings"} message; what it leaves out stays as before. Raises Refusal."""
    student = message.get("student", before.student)
    if student is not None and not isinstance(student, str):
        raise Refusal(AGAINST_THE_RULES, "student must be a name")
    try:
        return Settings(checked_strength(message.get("strength", before.strength)), student)
    except BadSetting as error:
        raise Refusal(AGAINST_THE_RULES, str(error)) from None


class Pace:
    """Refuses who sends faster than so many messages a second for longer than a moment. clock: seconds."""

    def __init__(self, per_s, clock):
        self._per_s, self._clock = per_s, clock
        self._left, self._at = float(per_s), clock()

    def count(self):
        """One more message. Raises Refusal."""
        now = self._clock()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            raise Refusal(AGAINST_THE_RULES, f"more than {self._per_s:g} messages a second were sent: too fast")
        self._left -= 1
