"""Threat: words from outside that forge a line of the log, a header of an answer or a part of the page."""

import json

import pytest

from tests.threats.raw_http import send
from tests.webui.page_client import Visitor
from tests.webui.pictures import encoded, scene

pytestmark = pytest.mark.slow  # starts real servers

PNG = encoded(scene(40, 60), "PNG")
FORGED = "\r\nSet-Cookie: forged=1\r\nX-Forged: 1\r\n\r\n<script>forged()</script>"
NAMES = (
    f"a{FORGED}.png", 'a"; filename="forged.exe".png',
    "a\r\n\r\nforged.png", "a\x1b[2Jforged\x07.png", "a\u202egnp.exe",
    "a%0d%0aSet-Cookie:%20forged=1.png", "a\u2028b\u0085c.png", "a';filename*=UTF-8''forged.exe;.png",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_makes_no_header_of_a_download(page, name):
    with Visitor(page.address) as visitor:
        path = visitor.upload(PNG, "a.png")
        visitor.event("drop", "upload", {}, {"files": [{"path": path, "name": name}]})
        made = visitor.event("drop", "upload", after="then").values["download"]["value"]["path"]
        reply = send(page.address, f"/gradio_api/file={made.replace('%', '%25').replace(' ', '%20')}".encode())
        assert reply.status == 200 and reply.body
        lines = reply.head.split("\r\n")
        assert not [line for line in lines if line.lower().startswith(("set-cookie", "x-forged"))]
        (disposition,) = [line for line in lines if line.lower().startswith("content-disposition")]
        assert disposition.count("filename") <= 2 and '.exe"' not in disposition
        visitor.leave()


@pytest.mark.parametrize(
    "target",
    [
        "/%0d%0aSet-Cookie:%20forged=1",
        "/here%0d%0aX-Forged:1",
        "//evil.example/%2e%2e",
        "/here/%0d%0aX-Forged:1",
        "/gradio_api/file=%0d%0aX-Forged:1",
        "/s/%0d%0aX-Forged:1",
    ],
)
def test_an_address_makes_no_header_and_leads_to_no_other_site(page, study, target):
    for server in (page, study[0]):
        reply = send(server.address, target)
        assert "forged" not in reply.head.lower()
        assert reply.header("location") == "" or "evil.example" not in reply.header("location")


def test_words_from_outside_forge_no_line_and_no_colour_in_the_window_of_the_server(page, study):
    harm = "x\nFORGED LINE\r\x1b[2J\x1b[31m\u202e\x07"
    kind = [("Content-Type", "application/json")]
    with Visitor(page.address) as visitor:
        for where in ("model", "view", "chooser", "strength"):
            visitor.event("strength", "change", {where: harm})
        for name in ("\u202e\x1b[2J.png", "x" * 500):
            visitor.bring((b"words", name))
        for body in (
            {"fn_index": 0, "data": harm},
            {"fn_index": harm},
            {"session_hash": harm, "fn_index": 2, "data": []},
        ):
            send(page.address, "/gradio_api/queue/join", "POST", kind, json.dumps(body).encode())
        send(page.address, "/" + "%0aFORGED LINE", headers=[("X-A", "a\tb"), ("User-Agent", "\x1b[2J")])
        send(page.address, b"/\xff\x1b[2J")
        visitor.leave()
    session = [("X-Session", study[0].token), *kind]
    send(study[0].address, "/api/answer", "POST", session, json.dumps({"trial": harm, "comment": harm}).encode())
    send(study[0].address, "/s/%0aFORGED")
    for server in (page, study[0]):
        lines = server.output.splitlines()
        assert not [line for line in lines if line.startswith("FORGED")]
        assert not set(server.output) & set("\x1b\u202e\x07\r")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nno name\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nq\r\n--x--\r\n',
        b"--x\r\nContent-Disposition: form-data\r\n\r\nq\r\n--x--\r\n",
    ],
)
def test_a_form_that_is_none_is_no_fault_of_ours(page, body):
    kind = [("Content-Type", "multipart/form-data; boundary=x")]
    assert send(page.address, "/gradio_api/upload", "POST", kind, body).status in (200, 400, 422)
    assert "Exception in ASGI" not in page.output
