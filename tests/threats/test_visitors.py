"""Threat: a visitor who wants what is another's, leaves files behind, or asks so much that nobody else is served."""

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.threats.raw_http import send
from tests.webui.page_client import Visitor
from tests.webui.page_process import running_page
from tests.webui.pictures import encoded, scene
from tests.webui.study_process import Volunteer

pytestmark = pytest.mark.slow  # starts real servers

PNG = encoded(scene(40, 60), "PNG")


@pytest.fixture(scope="module")
def public_page():
    """The page as a Space has it."""
    with running_page("--listen", "--public", "--max-megapixels", "3") as running:
        yield running


def files_of(page):
    return [
        os.path.join(folder, name) for folder, _, names in os.walk(page.temporary) for name in names if name != "lock"
    ]


def test_one_visitor_gets_nothing_of_another(public_page):
    with Visitor(public_page.address) as anna, Visitor(public_page.address) as bert:
        secret = encoded(scene(31, 57, seed=5), "PNG")
        anna.bring((secret, "annas-secret.png"))
        anna.event("drop", "upload", after="then")
        for elem_id, event, changed in (
            ("strength", "change", {"chooser": 0}),
            ("run-all", "click", {"chooser": 0}),
            ("view", "input", {"view": "detail"}),
        ):
            assert "annas-secret" not in str(bert.event(elem_id, event, changed).values)
        folder = next(path for path in files_of(public_page) if "annas-secret" in path).rsplit("/", 2)[0]
        for guess in ("", "/", "/..", "/*", "/0000", "/annas-secret-sharp.png"):
            assert bert.http.get(f"/gradio_api/file={folder}{guess}").status_code == 404
        original = next(path for path in files_of(public_page) if "/originals/" in path)
        assert bert.http.get(f"/gradio_api/file={original}").status_code == 404
        for address in ("/gradio_api/queue/status", "/config", "/gradio_api/app_id"):
            assert anna.session not in bert.http.get(address).text
        anna.leave()


def test_names_of_served_files_cannot_be_guessed(public_page):
    with Visitor(public_page.address) as visitor:
        visitor.bring((PNG, "a.png"))
        made = visitor.event("drop", "upload", after="then").values["download"]["value"]["path"]
        assert re.search(r"/served/[0-9a-f]{32}/a-sharp\.png$", made)
        visitor.leave()


def test_a_token_of_a_study_cannot_be_guessed_and_opens_nothing_else(study):
    process, _plan = study
    assert len(process.token) >= 20
    forged = [
        process.token[:-1],
        process.token + "x",
        process.token.swapcase(),
        "",
        "0",
        "' OR ''='",
        "%00",
        "../" + process.token,
    ]
    for token in forged:
        with Volunteer(process.address, token) as stranger:
            for reply in (stranger.get("state"), stranger.post("consent", {}), stranger.get("results")):
                assert reply.status_code in (404, 409), token
    for path in ("/leader", "/leader/progress.json", "/leader/ratings.csv", "/leader/sessions.csv"):
        assert send(process.address, path, headers=[("X-Session", process.token)]).status == 401


def test_what_a_visitor_brings_is_gone_when_they_are(public_page):
    with Visitor(public_page.address) as visitor:
        visitor.bring((PNG, "a.png"), (PNG + b"1", "b.png"))
        visitor.event("drop", "upload", after="then")
        visitor.event("run-all", "click")
        assert files_of(public_page)
        visitor.leave()
    ends_at = time.monotonic() + 30
    while files_of(public_page) and time.monotonic() < ends_at:
        time.sleep(0.1)
    assert files_of(public_page) == []


def test_two_visitors_who_bring_the_same_picture_at_once_both_get_it(public_page):
    def bring(number):
        with Visitor(public_page.address) as one:
            shown = one.bring((PNG, "same.png"))
            one.leave()
            return shown.values["status"]

    with ThreadPoolExecutor(6) as pool:
        lines = list(pool.map(bring, range(12)))
    assert [line for line in lines if "60 × 40" not in line] == []


def join(page, body):
    return send(
        page.address,
        "/gradio_api/queue/join",
        "POST",
        [("Content-Type", "application/json")],
        json.dumps(body).encode(),
    )


def test_a_flood_is_refused_and_the_others_are_served_meanwhile(public_page):
    with Visitor(public_page.address) as polite, Visitor(public_page.address) as flood:
        fn_index = flood._dependency(
            {part["id"]: part["props"].get("elem_id") for part in flood.config["components"]}, "run-all", "click"
        )["id"]
        inputs = next(one for one in flood.config["dependencies"] if one["id"] == fn_index)["inputs"]
        body = {"data": [None] * len(inputs), "fn_index": fn_index, "session_hash": flood.session}
        with ThreadPoolExecutor(8) as pool:
            statuses = [reply.status for reply in pool.map(lambda _: join(public_page, body), range(400))]
        assert 429 in statuses and 500 not in statuses
        started = time.monotonic()
        assert polite.bring((PNG, "polite.png")).success
        assert time.monotonic() - started < 20
        flood.leave()
        polite.leave()


def test_who_opens_a_hundred_pages_does_not_push_out_another_visitor(public_page):
    def from_address(last):
        return httpx.HTTPTransport(local_address=f"127.0.3.{last}")

    with Visitor(public_page.address, transport=from_address(1)) as anna:
        anna.bring((PNG, "annas.png"))
        with Visitor(public_page.address, transport=from_address(2)) as crowd:
            for number in range(60):  # a public page has room for 50
                crowd.session = f"page-{number}"
                crowd.event("samples", "select", {}, {"index": 0})
        moved = anna.event("strength", "change", {"strength": 50})
        assert "annas.png" in moved.values["status"], moved.values
        anna.leave()
