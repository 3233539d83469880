"""Threat: a web site that a visitor has open uses this machine's page. CORS, CSRF, WebSocket origin, login, frames."""

import json

import httpx
import pytest

from tests.threats.raw_http import send
from tests.webui.pictures import encoded, scene
from tests.webui.test_live_page import address_of, first_word

pytestmark = pytest.mark.slow  # starts real servers

ORIGINS = (
    "https://evil.example", "null", "http://localhost:9", "http://127.0.0.1:1", "http://127.0.0.1.evil.example",
    "http://localhost", "file://", "chrome-extension://abc",
)  # fmt: skip
CHANGING = ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset", "/login")
JSON = ("Content-Type", "application/json")


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_answer_lets_another_site_read_it(page, locked_page, study, origin):
    for server in (page, locked_page, study[0]):
        for host in ((), (("Host", "192.168.1.5:7860"),)):
            for path in ("/", "/config", "/whetstone.json", "/here/", "/gradio_api/app_id", "/api/state"):
                reply = send(server.address, path, headers=[("Origin", origin), *host])
                assert reply.header("access-control-allow-origin") == "", (path, reply.head)
                assert reply.header("access-control-allow-credentials") == "", (path, reply.head)


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_other_site_may_change_anything(page, locked_page, study, origin):
    for server in (page, locked_page):
        for path in CHANGING:
            assert send(server.address, path, "POST", [("Origin", origin), JSON], b"{}").status == 403, path
            asked = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
            assert send(server.address, path, "OPTIONS", asked).status in (403, 404, 405), path
    for path in ("/api/consent", "/api/check", "/api/answer", "/api/withdraw"):
        assert send(study[0].address, path, "POST", [("Origin", origin), JSON], b"{}").status == 403, path


def test_the_pages_own_script_and_programs_without_an_origin_may(page):
    body = json.dumps({"data": [], "fn_index": 0, "session_hash": "x"}).encode()
    for headers in (
        [JSON],
        [JSON, ("Origin", page.address)],
        [JSON, ("Origin", page.address), ("Sec-Fetch-Site", "same-origin")],
    ):
        assert send(page.address, "/gradio_api/cancel", "POST", headers, body).status not in (403, 404)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_picture_a_script_or_a_logout_in_another_page_is_refused_and_a_link_is_followed(page, site):
    for mode, path, status in (
        ("no-cors", "/config", 403),
        ("no-cors", "/gradio_api/queue/status", 403),
        ("cors", "/config", 403),
        ("no-cors", "/logout", 403),
        ("navigate", "/logout", 403),
        ("navigate", "/", 200),
        ("navigate", "/here/", 200),
    ):
        reply = send(page.address, path, headers=[("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode)])
        assert reply.status == status, (mode, path)
        assert reply.header("cross-origin-resource-policy") == "same-origin" or status == 403


def test_the_cookie_of_a_login_does_not_travel_with_another_sites_requests(locked_page):
    with httpx.Client(base_url=locked_page.address, trust_env=False, timeout=30) as client:
        answer = client.post("/login", data={"username": "anna", "password": "right"})
        cookies = answer.headers.get_list("set-cookie")
        assert answer.status_code == 200 and len(cookies) == 2
        assert all("httponly" in one.lower() and "samesite=lax" in one.lower() for one in cookies)


def test_nothing_is_told_or_taken_before_the_login(locked_page):
    png = {"files": ("a.png", encoded(scene(9, 9), "PNG"))}
    with httpx.Client(base_url=locked_page.address, trust_env=False, timeout=30) as stranger:
        for path in ("/config", "/here/", "/here/index.html", "/gradio_api/queue/status", "/gradio_api/heartbeat/x"):
            assert stranger.get(path).status_code == 401, path
        assert stranger.get("/gradio_api/queue/data", params={"session_hash": "x"}).status_code == 401
        assert stranger.post("/gradio_api/upload", files=png).status_code == 401
        event = {"data": [], "fn_index": 0, "session_hash": "x"}
        assert stranger.post("/gradio_api/queue/join", json=event).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_no_other_site_gets_a_websocket(page, origin):
    for path in ("/live/browser", "/live/host"):
        assert first_word(address_of(page), path, origin=origin)[0] == 403


def test_no_page_of_another_site_shows_ours_in_a_frame(page, study):
    for address, path in ((page.address, "/"), (page.address, "/here/"), (study[0].address, "/leader")):
        policy = send(address, path).header("content-security-policy")
        assert "frame-ancestors 'self'" in policy or "frame-ancestors 'none'" in policy
