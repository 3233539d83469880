"""Threat: an address or a file name that leads out. Path traversal on every route, file:// and http inputs, SSRF."""

import json
import re
import socket
import threading
import urllib.parse

import pytest

from tests.threats.raw_http import send
from tests.webui.contacts import strangers
from tests.webui.page_client import Visitor
from tests.webui.pictures import encoded, scene

pytestmark = pytest.mark.slow  # starts real servers

PNG = encoded(scene(40, 60), "PNG")
ROUTES = (
    "/", "/assets/", "/static/", "/svelte/", "/here/", "/here/models/", "/here/runtime/", "/theme.css/",
    "/gradio_api/file=", "/gradio_api/upload_progress/", "/live/", "/gradio_api/stream/",
)  # fmt: skip
STUDY_ROUTES = ("/s/", "/static/", "/api/picture/", "/leader/", "/")
# How others wrote "one folder up" where it was forbidden
UPS = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "..\\", "..%5c", "....//", "..;/", "..%c0%af", "/..//../")


def ways_out(routes):
    for route in routes:
        yield f"{route}%2fetc%2fpasswd"
        yield f"{route}/etc/passwd"
        yield f"{route}/etc/passwd%00.png"
        yield f"{route}file:///etc/passwd"
        for up in UPS:
            yield f"{route}{up * 12}etc/passwd"
            yield f"{route}{up * 2}launch.py"
            yield f"{route}{up * 3}study/plan.json"


def assert_nothing_of_ours(reply, target):
    assert b"root:" not in reply.body and b"def main" not in reply.body, target
    assert b'"sessions"' not in reply.body and b"Traceback" not in reply.body, target
    assert reply.status != 500, target


def test_no_route_of_the_page_leads_to_a_file_of_this_machine(page):
    said = len(page.output)
    for target in ways_out(ROUTES):
        assert_nothing_of_ours(send(page.address, target), target)
    assert "Traceback" not in page.output[said:]


def test_no_route_of_the_study_leads_to_a_file_of_this_machine(study):
    process, _plan = study
    said = len(process.output)
    for target in ways_out(STUDY_ROUTES):
        reply = send(process.address, target, headers=[("X-Session", process.token)])
        assert_nothing_of_ours(reply, target)
    assert "Traceback" not in process.output[said:]


@pytest.mark.parametrize(
    "name", ["../../../evil.png", "/tmp/evil.png", "..\\..\\evil.png", "C:\\evil.png", "..", "~/x"]
)
def test_an_upload_lands_nowhere_but_in_the_pages_own_folder(page, name):
    body = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    kind = [("Content-Type", "multipart/form-data; boundary=x")]
    reply = send(page.address, "/gradio_api/upload", "POST", kind, body + PNG + b"\r\n--x--\r\n")
    assert reply.status in (200, 400)
    if reply.status == 200:
        (path,) = json.loads(reply.body[reply.body.index(b"[") : reply.body.rindex(b"]") + 1])
        assert re.fullmatch(rf"{re.escape(str(page.temporary))}/whetstone-page-\w+/served/\w+/[^/]+", path)


@pytest.fixture(scope="module")
def inner_service():
    """(port, requests that reached it): something on this machine that only this machine should reach."""
    reached = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    reached.append(connection.recv(200))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], reached


def test_no_input_makes_the_server_fetch_an_address_or_open_a_file(page, inner_service):
    port, reached = inner_service
    inputs = [
        f"http://127.0.0.1:{port}/x.png", f"https://127.0.0.1:{port}/x.png", f"//127.0.0.1:{port}/x.png",
        f"http://localhost:{port}/", f"http://[::ffff:127.0.0.1]:{port}/", f"http://2130706433:{port}/",
        f"ftp://127.0.0.1:{port}/x", f"gopher://127.0.0.1:{port}/x", "file:///etc/passwd", "file://localhost/etc/passwd",
        "/etc/passwd", "launch.py", "data:image/png;base64,AAAA", "/proc/self/environ", "/dev/zero", "\\\\host\\share",
    ]  # fmt: skip
    with Visitor(page.address) as visitor:
        own = visitor.upload(PNG, "a.png")
        meta = {"_type": "gradio.FileData"}
        for text in inputs:
            quoted = urllib.parse.quote(text, safe="")
            for target in (f"/gradio_api/file={text}", f"/gradio_api/file={quoted}", f"/gradio_api/proxy={text}"):
                assert send(page.address, target).status in (400, 404), target
            for file in (
                {"path": text, "name": "a.png"},
                {"path": text, "url": text, "meta": meta},
                {"path": [text]},
                {"path": {"path": text}},
            ):
                for answer in (
                    visitor.event("drop", "upload", {}, {"files": [file]}),
                    visitor.event("strength", "change", {"strength": file}),
                ):
                    assert not answer.success and answer.values["refused"].startswith("403"), file
        for url in inputs[:4]:  # beside a file that may be named, or instead of one
            assert visitor.event("drop", "upload", {}, {"files": [{"path": own, "url": url, "meta": meta}]}).success
            own = visitor.upload(PNG, "a.png")
            for file in ({"url": url, "name": "a.png"}, {"path": None, "url": url, "meta": meta}):
                answer = visitor.event("drop", "upload", {}, {"files": [file]})
                assert 'class="bad"' in answer.values["status"]
        visitor.leave()
    assert reached == [] and strangers(page.output) == []


def test_a_slash_behind_a_route_is_no_way_round_the_check_of_its_events(page):
    body = json.dumps({"data": [{"path": "/etc/passwd"}], "fn_index": 0, "session_hash": "x"}).encode()
    kind = [("Content-Type", "application/json")]
    for target in (
        "/gradio_api/queue/join/",
        "//gradio_api/queue/join",
        "/gradio_api//queue/join",
        "/gradio_api/./queue/join",
    ):
        reply = send(page.address, target, "POST", kind, body)
        assert reply.status in (307, 404), target
        assert b"event_id" not in reply.body
    assert send(page.address, "/gradio_api/queue/join", "POST", kind, body).status == 403
