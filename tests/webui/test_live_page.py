"""Who gets to the Live tab's WebSockets on the real page: the origin, the host, the login; and who to this camera."""

import contextlib
import json
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.webui.live_server import WAIT_S, Camera, soft_frame
from tests.webui.page_process import running_page
from webui.live_jpeg import decode

pytestmark = pytest.mark.slow  # starts real pages

BOTH = ["/live/browser", "/live/host"]


@pytest.fixture(scope="module")
def page():
    with running_page() as running:
        yield running


@pytest.fixture(scope="module")
def locked_page():
    with running_page("--listen", "--auth", "anna:correct-horse") as running:
        yield running


def address_of(page):
    return page.address.replace("http://", "ws://")


def first_word(address, path, **headers):
    """The first message of a WebSocket, or (status, sentence) of its refusal."""
    given = {name.replace("_", "-").title(): value for name, value in headers.items()}
    origin = given.pop("Origin", None)
    host = given.pop("Host", None)
    try:
        with contextlib.ExitStack() as stack:
            options = {}
            if host is not None:  # the name in the request; the connection goes to the page all the same
                import socket

                own = urlsplit(address)
                options["sock"] = stack.enter_context(socket.create_connection((own.hostname, own.port)))
                address = f"ws://{host}"
            connection = connect(
                address + path, origin=origin, additional_headers=given, open_timeout=WAIT_S, proxy=None, **options
            )
            return json.loads(stack.enter_context(connection).recv(timeout=WAIT_S))["type"]
    except InvalidStatus as refused:
        return refused.response.status_code, refused.response.body.decode()


def test_a_frame_comes_back_from_the_page(page):
    with Camera(address_of(page), origin=page.address) as camera:
        number, jpeg = camera.round_trip(3, soft_frame())
    assert number == 3 and decode(jpeg, 10**6).shape == (96, 128, 3)
    assert "Traceback" not in page.output


@pytest.mark.parametrize("path", BOTH)
def test_the_pages_own_origin_and_programs_without_one_come_in(page, path):
    address, port = address_of(page), urlsplit(page.address).port
    expected = "ready" if path == "/live/browser" else "offers"
    assert first_word(address, path) == expected
    assert first_word(address, path, origin=page.address) == expected
    assert first_word(address, path, origin=f"http://localhost:{port}") == expected


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "http://["]
)
def test_another_web_site_is_refused_with_a_reason(page, path, origin):
    status, sentence = first_word(address_of(page), path, origin=origin)
    assert status == 403 and "web site" in sentence


@pytest.mark.parametrize("path", BOTH)
def test_a_name_that_someone_else_points_at_this_machine_is_refused(page, path):
    assert first_word(address_of(page), path, host="evil.example")[0] == 421


def test_other_websockets_are_not_there(page):
    for path in ("/", "/live", "/live/other", "/gradio_api/queue/join", "/gradio_api/stream"):
        assert first_word(address_of(page), path)[0] == 404


@pytest.mark.parametrize("path", BOTH)
def test_who_is_not_logged_in_is_refused_and_who_is_comes_in(locked_page, path):
    address = address_of(locked_page)
    status, sentence = first_word(address, path)
    assert status == 401 and ("log in" in sentence.lower() or "logged in" in sentence)
    assert first_word(address, path, cookie="access-token-unsecure-x=y; access-token-x=y")[0] == 401
    with httpx.Client(base_url=locked_page.address, trust_env=False, timeout=WAIT_S) as client:
        assert client.get("/live/access").json() == {"host": False}
        client.post("/login", data={"username": "anna", "password": "correct-horse"}).raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        assert client.get("/live/access", headers={"cookie": cookie}).json() == {"host": True}
    assert first_word(address, path, cookie=cookie) in ("ready", "offers")
    assert "Traceback" not in locked_page.output


def test_through_a_proxy_nobody_without_a_login_gets_to_this_machines_camera(page):
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Forwarded-Host"):
        answer = httpx.get(page.address + "/live/access", headers={header: "203.0.113.9"}, trust_env=False)
        assert answer.json() == {"host": False}
        assert first_word(address_of(page), "/live/host", **{header: "203.0.113.9"})[0] == 401
        assert first_word(address_of(page), "/live/browser", **{header: "203.0.113.9"}) == "ready"
    assert httpx.get(page.address + "/live/access", trust_env=False).json() == {"host": True}


def test_a_page_below_a_proxys_path_asks_for_a_login_before_it_opens_this_machines_camera():
    with running_page("--root-path", "/whetstone") as behind:
        assert httpx.get(behind.address + "/live/access", trust_env=False).json() == {"host": False}
        assert first_word(address_of(behind), "/live/host")[0] == 401
