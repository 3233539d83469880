"""A real WebSocket server for tests of the Live tab, in this process: what a page needs of it, without the page."""

import contextlib
import json
import threading
import time

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.sync.client import connect

from tests.webui.pictures import scene
from webui.host_socket import HOST_PATH, serve_host_camera
from webui.live_jpeg import encode
from webui.live_protocol import read_answer, write_frame
from webui.live_socket import BROWSER_PATH, serve_browser_camera
from webui.server import listen

WAIT_S = 60  # for an answer; machines that run tests are busy


@contextlib.contextmanager
def live_server(visitors=None, host=None):
    """The address of a server with these Visitors and this HostCamera."""

    async def browser(socket):
        await serve_browser_camera(socket, visitors)

    async def machine(socket):
        await serve_host_camera(socket, host)

    app = Starlette(routes=[WebSocketRoute(BROWSER_PATH, browser), WebSocketRoute(HOST_PATH, machine)])
    listener = listen("127.0.0.1", 0)
    settings = {"ws": "websockets-sansio", "ws_max_size": 2**22, "log_level": "warning", "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
    assert not thread.is_alive()


class Camera:
    """A page's side of the browser camera's WebSocket. Use as a context manager."""

    def __init__(self, address, **options):
        self._connection = connect(address + BROWSER_PATH, open_timeout=WAIT_S, proxy=None, **options)
        self.socket = self._connection.__enter__()
        self.first = self.words()
        self.said = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.__exit__(None, None, None)

    def words(self):
        """The next message in JSON."""
        return json.loads(self.socket.recv(timeout=WAIT_S))

    def settings(self, **values):
        self.socket.send(json.dumps({"type": "settings", **values}))

    def send(self, number, jpeg):
        self.socket.send(write_frame(number, jpeg))

    def answer(self):
        """(number, JPEG) of the next frame that comes back; words meanwhile are kept in said."""
        while True:
            message = self.socket.recv(timeout=WAIT_S)
            if isinstance(message, bytes):
                number, _waited, _worked, jpeg = read_answer(message)
                return number, jpeg
            self.said.append(json.loads(message))

    def round_trip(self, number, jpeg):
        self.send(number, jpeg)
        return self.answer()


def soft_frame(height=96, width=128, seed=0):
    """The JPEG of a frame with something to sharpen."""
    return encode(np.ascontiguousarray(scene(height, width, seed=seed)), 95)


def eventually(condition, seconds=WAIT_S):
    """Whether it becomes true in that time."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if condition():
            return True
        time.sleep(0.02)
    return False
