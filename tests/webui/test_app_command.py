"""The command `app`: which settings go together, who has the port, and how it ends."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from engine.errors import BadSetting
from tests.webui.page_process import PageProcess, running_page
from tests.webui.server_process import ROOT
from webui.commands import app
from webui.server import listen, open_browser, page_address


def parsed(*words):
    parser = argparse.ArgumentParser()
    app.add_arguments(parser)
    return parser.parse_args(words)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_options_only_this_machine_gets_in():
    args = parsed()
    assert app.check(args) == ("127.0.0.1", None) and args.port == 7860


@pytest.mark.parametrize(
    "words",
    [
        ["--listen"],
        ["--host", "0.0.0.0"],
        ["--host", "192.168.1.5"],
        ["--listen", "--auth", "anna"],
        ["--listen", "--auth", ":secret"],
        ["--listen", "--auth", "anna:"],
        ["--auth", ""],
        ["--port", "70000"],
        ["--port", "-1"],
        ["--max-megapixels", "0"],
        ["--max-megapixels", "nan"],
        ["--listen", "--host", "192.168.1.5", "--auth", "a:b"],
        ["--public", "--auth", "a:b"],
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_line(words, monkeypatch):
    monkeypatch.delenv("WHETSTONE_AUTH", raising=False)
    with pytest.raises(BadSetting) as caught:
        app.check(parsed(*words))
    assert "\n" not in str(caught.value) and "--" in str(caught.value)


def test_listening_with_a_password_is_fine(monkeypatch):
    assert app.check(parsed("--listen", "--auth", "anna:se:cret")) == ("0.0.0.0", ("anna", "se:cret"))
    monkeypatch.setenv("WHETSTONE_AUTH", "anna:quiet")
    assert app.check(parsed("--listen")) == ("0.0.0.0", ("anna", "quiet"))


def test_only_public_lets_other_machines_in_without_a_password(monkeypatch):
    monkeypatch.delenv("WHETSTONE_AUTH", raising=False)
    assert app.check(parsed("--public")) == ("127.0.0.1", None)
    assert app.check(parsed("--public", "--listen")) == ("0.0.0.0", None)
    monkeypatch.setenv("WHETSTONE_AUTH", "anna:secret")
    with pytest.raises(BadSetting, match="give only one of them"):  # a password that nobody is asked for is a mistake
        app.check(parsed("--public", "--listen"))


def test_a_port_that_another_program_has_is_named_with_one_that_is_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        other.settimeout(5)
        with pytest.raises(BadSetting, match=f"port {port} is in use by another program; .*--port [0-9]+"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_named():
    for host in ("203.0.113.7", "no such host", ""):
        with pytest.raises(BadSetting, match="--host"):
            listen(host, 0) if host else listen("\0", 0)


def test_the_address_to_type_is_one_that_a_browser_takes():
    assert page_address("0.0.0.0", 7860) == "http://127.0.0.1:7860"
    assert page_address("::1", 80) == "http://[::1]:80"


@pytest.mark.slow
def test_a_second_start_on_the_port_says_who_has_it_and_what_to_do(tmp_path):
    with running_page() as page:
        port = page.address.rsplit(":", 1)[1]
        second = PageProcess(tmp_path, "--port", port)
        assert second.process.wait(60) == 2
        second.stop()
        lines = [line for line in second.output.splitlines() if line]
        assert len(lines) == 1 and lines[0].startswith("whetstone: ")
        assert f"port {port} is in use by a Whetstone: open {page.address}" in lines[0] and "--port" in lines[0]
        assert httpx.get(page.address, trust_env=False).status_code == 200  # the first is none the worse


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_it_ends_at_once_on_a_signal_although_a_page_is_open(number):
    with running_page() as page, httpx.Client(trust_env=False) as http:
        with http.stream("GET", f"{page.address}/gradio_api/heartbeat/abc", timeout=30) as beat:
            next(beat.iter_lines())
            started = time.monotonic()
            assert page.stop(number) == 0
            assert time.monotonic() - started < 8
        assert "Traceback" not in page.output and page.output.rstrip().endswith("Whetstone has stopped.")
        assert list(page.temporary.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
@pytest.mark.slow
def test_what_a_kill_leaves_behind_is_removed_by_the_next_start(tmp_path):
    first = PageProcess(tmp_path).wait_until_ready()
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    left = list(first.temporary.iterdir())
    assert len(left) == 1
    second = PageProcess(tmp_path).wait_until_ready()
    assert not left[0].exists()
    second.stop()
    assert list(second.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "tremendous"], "tremendous"),
        (["--backend", "abacus"], "abacus"),
        (["--listen"], "--auth"),
    ],
)
@pytest.mark.slow
def test_what_the_user_can_fix_ends_with_one_line_and_status_2(tmp_path, words, says):
    page = PageProcess(tmp_path, *words)
    assert page.process.wait(90) == 2
    page.stop()
    lines = [line for line in page.output.splitlines() if line.startswith("whetstone: ")]
    assert len(lines) == 1 and says in lines[0] and "Traceback" not in page.output
    assert list(page.temporary.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for a browser is a shell script")
@pytest.mark.slow
def test_the_browser_is_opened_once_the_page_answers(tmp_path):
    told = tmp_path / "told"
    script = tmp_path / "browser.sh"
    script.write_text(f'#!/bin/sh\necho "$1" >> {told}\n')
    script.chmod(0o755)
    screen = {"BROWSER": f"{script} %s", "DISPLAY": ":0"}
    page = PageProcess(tmp_path, environment=screen, browser=True).wait_until_ready()
    ends_at = time.monotonic() + 10
    while not told.exists() and time.monotonic() < ends_at:
        time.sleep(0.05)
    page.stop()
    assert told.read_text().split() == [page.address]


def test_without_a_screen_no_browser_is_started(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert open_browser("http://127.0.0.1:1") is False


def test_importing_the_command_loads_the_standard_library_alone():
    program = "import sys, webui.commands.app\nprint(*sorted({'gradio', 'numpy', 'PIL', 'uvicorn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
