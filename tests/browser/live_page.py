"""The Live tab in headless Chromium: opening it, its figures, and what went over its WebSocket."""

import base64
import contextlib
import io
import re

import cv2
import numpy as np
from PIL import Image

from tests.browser.chromium import open_page
from webui.live_jpeg import decode
from webui.live_protocol import read_answer, read_frame


@contextlib.contextmanager
def live_page(browser, address, **options):
    """(page, Log, Traffic) with the Live tab open and the browser's camera chosen."""
    with open_page(browser, address, **options) as (page, log):
        traffic = Traffic(page)
        page.get_by_role("tab", name="Live").click()
        page.wait_for_selector("#live .live-start")
        page.wait_for_selector("#live .live.with-host")  # the page knows who may use this machine's camera
        page.check("#live input[value=browser]")
        yield page, log, traffic


class Traffic:
    """What a page's browser camera sent and received, newest last; at most the last hundred of each."""

    def __init__(self, page):
        self.sent, self.received, self.words = {}, {}, []
        self.count = 0  # frames that came back so far
        self._page = page
        page.on("websocket", self._watch)

    def stop(self):
        """Watch no further connection."""
        self._page.remove_listener("websocket", self._watch)

    def _watch(self, socket):
        if not socket.url.endswith("/live/browser"):
            return
        socket.on("framesent", lambda frame: self._keep(self.sent, frame, lambda message: read_frame(message)))
        socket.on(
            "framereceived", lambda frame: self._keep(self.received, frame, lambda message: read_answer(message)[::3])
        )

    def _keep(self, place, message, read):
        if isinstance(message, str):
            self.words.append(message)
            return
        number, jpeg = read(message)
        self.count += place is self.received
        place[number] = jpeg
        while len(place) > 100:
            del place[next(iter(place))]

    def pairs(self):
        """[(sent pixels, received pixels), ...] of the same frames, in order."""
        return [
            (decode(self.sent[number], 10**7), decode(jpeg, 10**7))
            for number, jpeg in self.received.items()
            if number in self.sent
        ]


def figures(page):
    """The figures below the picture: name -> text."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#live .live-figures [data-figure]")]
            .map((row) => [row.dataset.figure, row.querySelector("dd").textContent]))"""
    )


def number(text):
    """The first number of a figure's text, None where there is none."""
    found = re.search(r"\d+(?:\.\d+)?", text or "")
    return float(found[0]) if found else None


def wait_for_frames(page, seconds=60):
    """Wait until frames come back: the round trip is known."""
    page.wait_for_function(
        """() => document.querySelector("#live .live-figures [data-figure='round trip p50']") !== null""",
        timeout=1000 * seconds,
    )


def canvas_pixels(page):
    """What is on the screen, (H, W, 3) uint8, of the canvas's own size."""
    data = page.evaluate("() => document.querySelector('#live .live-canvas').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def sharpness(pixels):
    """Root mean square of the Laplacian of luma, grey levels."""
    luma = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.sqrt(np.mean(cv2.Laplacian(luma, cv2.CV_32F) ** 2)))
