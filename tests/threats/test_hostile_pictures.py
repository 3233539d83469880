"""Threat: a file that is small and becomes huge, is two things at once, or runs code. Asked of the real page."""

import io
import struct
import zipfile
import zlib

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.engine.picture_files import png_chunk as chunk
from tests.webui.page_client import Visitor
from tests.webui.pictures import SVG, encoded, scene

pytestmark = pytest.mark.slow  # starts a real server

PNG = encoded(scene(40, 60), "PNG")
JPEG = encoded(scene(40, 60), "JPEG")
HTML = b"<html><script>alert(document.domain)</script></html>"


def black(picture_format, side):
    """A picture of side x side that packs into next to nothing."""
    content = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(content, picture_format, compression="tiff_deflate")
    return content.getvalue()


def with_chunk(kind, data):
    """PNG with one more chunk after its header."""
    return PNG[:33] + chunk(kind, data) + PNG[33:]


def bombs():
    packed = zlib.compress(bytes(10**9 // 4), 9)
    yield "png.png", black("PNG", 12_000), "megapixels"
    yield "webp.webp", black("WEBP", 6_000), "megapixels"
    yield "jpeg.jpg", black("JPEG", 12_000), "megapixels"
    yield "tiff.tif", black("TIFF", 6_000), "TIFF"
    yield (
        "jpeg-says-65535.jpg",
        JPEG.replace(struct.pack(">HH", 40, 60), struct.pack(">HH", 65535, 65535), 1),
        "megapixels",
    )
    yield "text.png", with_chunk(b"zTXt", b"Comment\0\0" + packed), "60 × 40"
    yield "profile.png", with_chunk(b"iCCP", b"x\0\0" + packed), "60 × 40"
    yield "exif-of-2-mb-that-points-at-itself.png", with_chunk(b"eXIf", looping_exif(60_000)), "60 × 40"
    yield "exif-of-60-mb.png", with_chunk(b"eXIf", b"II*\0" + bytes(60 << 20)), "60 × 40"
    yield "many-jpeg-exif.jpg", JPEG[:2] + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 400 + JPEG[2:], "60 × 40"


def looping_exif(entries):
    """A TIFF directory whose every entry is a directory: itself."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"II*\0" + struct.pack("<IH", 8, entries) + entry * entries + struct.pack("<I", 8)


def test_what_unpacks_to_gigabytes_costs_the_page_neither_memory_nor_time(page):
    server, printed = psutil.Process(page.process.pid), len(page.output)
    with Visitor(page.address) as visitor:
        visitor.bring((PNG, "first.png"))
        before = server.memory_info().rss
        for name, content, said in bombs():
            answer = visitor.bring((content, name))
            assert answer.success and said in answer.values["status"], (name, answer.values["status"])
            grown = server.memory_info().rss - before
            # 60 MB come in and are read; 250 MB to 1 GB do not
            assert grown < 400e6, f"{name}: {grown / 1e6:.0f} MB more"
        visitor.leave()
    assert "Traceback" not in page.output[printed:]


def zip_of(name, content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, content)
    return archive.getvalue()


POLYGLOTS = {
    "a JPEG that is a ZIP, too": (JPEG + zip_of("payload.exe", b"MZ-payload"), "a.jpg"),
    "a JPEG that is a page, too": (
        JPEG[:2] + b"\xff\xfe" + struct.pack(">H", len(HTML) + 2) + HTML + JPEG[2:],
        "a.jpg",
    ),
    "a PNG with a page in its text": (with_chunk(b"tEXt", b"Comment\0" + HTML), "a.png"),
    "a PNG with a page behind it": (PNG + HTML, "a.png"),
    "a PNG that is called a page": (PNG + HTML, "a.html"),
}


@pytest.mark.parametrize("what", POLYGLOTS)
def test_of_a_file_that_is_two_things_only_the_picture_comes_back(page, what):
    content, name = POLYGLOTS[what]
    with Visitor(page.address) as visitor:
        assert visitor.bring((content, name)).success
        value = visitor.event("drop", "upload", after="then").values["download"]["value"]
        reply = visitor.http.get(f"/gradio_api/file={value['path']}")
        assert reply.headers["content-type"] in ("image/png", "image/jpeg")
        assert reply.headers["x-content-type-options"] == "nosniff"
        for harm in (b"<script", b"PK\x03\x04", b"payload"):
            assert harm not in reply.content
        visitor.leave()


@pytest.mark.parametrize(
    "name", ["a.html", "a.htm", "a.svg", "a.xhtml", "a.xml", "a.js", "a.pdf", "a.mhtml", "a", "a.png", "a.txt"]
)
def test_an_uploaded_page_or_script_never_runs_on_the_pages_address(page, name):
    with Visitor(page.address) as visitor:
        path = visitor.upload(SVG if name.endswith("svg") else HTML, name, "text/html")
        reply = visitor.http.get(f"/gradio_api/file={path}")
        kind = reply.headers["content-type"].split(";")[0]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-disposition"].startswith("attachment") or kind in ("image/png", "text/plain")
        visitor.bring((HTML, "taken-away.png"))
        visitor.leave()


@pytest.mark.parametrize(
    "content",
    [
        SVG,
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:1/x.png"/></svg>',
        b"\x1f\x8b" + zlib.compress(SVG),
    ],
)
@pytest.mark.parametrize("name", ["a.svg", "a.png"])
def test_an_svg_is_refused_unread_whatever_it_is_called(page, content, name):
    with Visitor(page.address) as visitor:
        line = visitor.bring((content, name)).values["status"]
        assert 'class="bad"' in line and "accepted here are JPEG, PNG, WebP" in line and "root:" not in line
        visitor.leave()
