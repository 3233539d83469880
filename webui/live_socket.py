"""The WebSocket of one visitor's browser camera: reads frames, keeps the newest, sends it back sharpened.

    GET /live/browser -> {"type": "ready"} -> frames and settings -> the same frames, sharpened

One frame is being worked on and one may wait; a newer one takes the waiting one's place. What breaks the rules is told
in {"type": "refused", "message"} and the connection is closed.
"""

import asyncio
import contextlib
import sys
import time
import traceback

from starlette.websockets import WebSocketDisconnect

from webui.live_protocol import (
    DONE,
    OUR_FAULT,
    TOO_LARGE,
    Pace,
    Refusal,
    Settings,
    read_frame,
    read_settings,
    read_words,
    write_answer,
)

BROWSER_PATH = "/live/browser"


async def serve_browser_camera(socket, visitors):
    """One accepted visit, to its end. socket: a starlette WebSocket whose visitor may come in; visitors: Visitors."""
    await socket.accept()
    async with refusing(socket):
        visit = visitors.enter()
        try:
            limits = visitors.limits
            await socket.send_json(
                {
                    "type": "ready",
                    "students": visitors.names,
                    "student": visitors.default,
                    "max_pixels": limits.max_pixels,
                    "idle_s": limits.idle_s,
                }
            )
            await _Conversation(socket, visitors, visit).run()
        finally:
            # in a thread: it waits for a frame that is being worked on; shielded: the place is given back in any case
            await asyncio.shield(asyncio.to_thread(visit.leave))


@contextlib.asynccontextmanager
async def refusing(socket):
    """Inside it a Refusal is told and closes the connection; a visitor who is gone ends it quietly."""
    try:
        yield
    except WebSocketDisconnect:
        return
    except Refusal as refusal:
        await say_and_close(socket, refusal.code, str(refusal))
    except Exception as error:
        traceback.print_exception(error, file=sys.stderr)
        await say_and_close(socket, OUR_FAULT, "something went wrong here; the window of Whetstone says what")


async def say_and_close(socket, code, sentence):
    """Tell the page why, then close."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # gone meanwhile
        await socket.send_json({"type": "refused", "code": code, "message": sentence})
        await socket.close(code, reason=sentence.encode()[:120].decode(errors="ignore"))


class _Conversation:
    """A reader and a worker over one WebSocket; the first that ends, ends both."""

    def __init__(self, socket, visitors, visit):
        self._socket, self._visitors, self._visit = socket, visitors, visit
        self._settings = Settings()
        self._waiting: tuple = ()  # (number, JPEG, Settings, when it came)
        self._came = asyncio.Event()
        self._said = ""

    async def run(self):
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._work())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _read(self):
        limits = self._visitors.limits
        pace = Pace(limits.messages_per_s, time.monotonic)
        while True:
            message = await receive(
                self._socket, limits.idle_s, "no frame came for a minute, so the place was given up"
            )
            pace.count()
            if isinstance(message, str):
                words = read_words(message)
                if words["type"] == "settings":
                    self._settings = read_settings(words, self._settings)
                continue
            if len(message) > limits.max_bytes:
                raise Refusal(
                    TOO_LARGE,
                    f"a frame of {len(message) / 1e6:.1f} MB is too large; at most {limits.max_bytes / 1e6:.1f} MB",
                )
            number, jpeg = read_frame(message)
            self._waiting = number, jpeg, self._settings, time.monotonic()
            self._came.set()

    async def _work(self):
        while True:
            await self._came.wait()
            self._came.clear()
            number, jpeg, settings, came_at = self._waiting
            self._waiting = ()
            begun_at, answer = await self._turn(jpeg, settings)
            if answer is None:
                return
            waited_ms, worked_ms = 1e3 * (begun_at - came_at), 1e3 * (time.monotonic() - begun_at)
            await self._socket.send_bytes(write_answer(number, waited_ms, worked_ms, answer))
            measured = self._visit.measured
            if measured != self._said:
                self._said = measured
                await self._socket.send_json({"type": "measured", "message": measured})

    async def _turn(self, jpeg, settings):
        """(when the turn began, the sharpened JPEG)."""

        def turn():
            begun_at = time.monotonic()
            return begun_at, self._visit.sharpen(jpeg, settings.strength, settings.student)

        return await asyncio.get_running_loop().run_in_executor(self._visitors.turns, turn)


async def receive(socket, idle_s, sentence):
    """The next message, text or bytes. Raises WebSocketDisconnect; Refusal with the sentence after idle_s seconds."""
    try:
        message = await asyncio.wait_for(socket.receive(), idle_s)
    except asyncio.TimeoutError:
        raise Refusal(DONE, sentence) from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or DONE)
    text = message.get("text")
    return text if text is not None else message["bytes"]
