"""The page of the visitor's own browser on our server: its headers, what is served, and for whom."""

import httpx
import pytest

from tests.webui.page_process import running_page
from webui.browser_runtime import FETCH, FILES, FOLDER_VARIABLE, VERSION


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A folder for the runtime in which nothing was fetched yet."""
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture(scope="module")
def client(empty):
    with running_page(environment={FOLDER_VARIABLE: str(empty)}) as page, httpx.Client(base_url=page.address) as client:
        yield client


def test_the_page_is_isolated_and_may_load_nothing_from_elsewhere(client):
    answer = client.get("/here/")
    assert answer.status_code == 200 and "<title>Whetstone in this browser</title>" in answer.text
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "http" not in policy and "unsafe-inline" not in policy
    assert "cross-origin-embedder-policy" not in client.get("/").headers  # Gradio's own page stays as it was


@pytest.mark.parametrize(
    "name, kind",
    [("main.js", "text/javascript"), ("page.css", "text/css"), ("models/nano-int8.onnx", "application/octet-stream")],
)
def test_its_files_have_their_types(client, name, kind):
    answer = client.get(f"/here/{name}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind) and len(answer.content) > 100


def test_without_the_slash_it_leads_to_the_page(client):
    assert client.get("/here", follow_redirects=True).url.path == "/here/"


@pytest.mark.parametrize(
    "name", ["%2e%2e/live.css", "models/%2e%2e/main.js", "models%2f..%2fmain.js", "models/none.onnx", "door.py"]
)
def test_nothing_else_is_served(client, name):
    assert client.get(f"/here/{name}").status_code == 404


def test_starting_the_page_fetches_nothing_and_a_runtime_that_is_brought_is_served(client, empty):
    assert list(empty.iterdir()) == []
    told = client.get("/here/runtime.json").json()
    assert list(told) == ["missing"] and f"`{FETCH}`" in told["missing"] and "\n" not in told["missing"]
    assert client.get(f"/here/runtime/{next(iter(FILES))}").status_code == 404
    folder = empty / f"onnxruntime-web-{VERSION}"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(name.encode())
    assert client.get("/here/runtime.json").json()["files"] == FILES  # without a new start
    assert client.get(f"/here/runtime/{next(iter(FILES))}").text == next(iter(FILES))


def test_a_page_with_a_password_asks_for_it_here_too():
    with running_page("--auth", "anna:secret") as page, httpx.Client(base_url=page.address) as client:
        for name in ("", "main.js", "models/students.json", "runtime.json"):
            assert client.get(f"/here/{name}").status_code == 401
        client.post("/login", data={"username": "anna", "password": "secret"})
        assert client.get("/here/").status_code == 200
