"""The page that sharpens in the visitor's browser, in headless Chromium: opening it, its pictures and its figures."""

import base64
import contextlib
import io

import numpy as np
from PIL import Image

from tests.browser.chromium import Log

NO_GPU = "No available adapters."  # Chromium's warning when a page asks for WebGPU where there is none


@contextlib.contextmanager
def here_page(browser, address, ready=True, **options):
    """(page, Log) of a fresh profile. ready: wait until the students can be used."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    try:
        page, log = context.new_page(), Log()
        page.on("request", lambda request: log.requests.append(request.url))
        page.on("console", lambda said: said.type in ("warning", "error") and log.complaints.append(said.text))
        page.on("pageerror", lambda error: log.complaints.append(str(error)))
        page.goto(address)
        if ready:
            page.wait_for_selector("body[data-ready=true]", timeout=60_000)
        yield page, log
    finally:
        context.close()


def png(pixels):
    """The bytes of a PNG file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def bring(page, content, name="picture.png"):
    """Choose a file and wait for its result."""
    page.set_input_files("#files", {"name": name, "mimeType": "image/png", "buffer": content})
    wait_for_result(page)


def wait_for_result(page):
    """Wait until what was asked for last is on the screen."""
    page.wait_for_function(
        """() => document.getElementById("picture").getAttribute("aria-busy") === "false"
            && !document.getElementById("download").disabled""",
        timeout=60_000,
    )


def set_strength(page, percent):
    """Move the slider and wait for its result."""
    page.evaluate(
        """(percent) => {
            const slider = document.getElementById("strength");
            slider.value = percent;
            slider.dispatchEvent(new Event("input"));
        }""",
        percent,
    )
    wait_for_result(page)


def canvas(page, name="result"):
    """The pixels of the input's or the result's canvas: (H, W, 3) uint8."""
    data = page.evaluate("(name) => document.querySelector(`#picture .${name}`).toDataURL('image/png')", name)
    return pixels_of(data)


def pixels_of(address):
    """The pixels of a picture in a data: address: (H, W, 3) uint8."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def figures(page):
    """The figures below the picture: name -> text."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#figures [data-figure]")]
            .map((row) => [row.dataset.figure, row.querySelector("dd").textContent]))"""
    )


def line(page, words, timeout_s=60):
    """Wait until the page's line has these words in it; returns the whole line."""
    page.wait_for_function(
        "(words) => document.getElementById('line').textContent.includes(words)", arg=words, timeout=1000 * timeout_s
    )
    return page.inner_text("#line")


def strangers(log, address):
    """What was asked of others than the page's own host, and what the console complained about."""
    asked = [one for one in log.requests if not one.startswith((address, "data:", "blob:"))]
    return asked + [said for said in log.complaints if NO_GPU not in said]
