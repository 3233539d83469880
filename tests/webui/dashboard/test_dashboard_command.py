"""The command `dashboard`: what it refuses, who may ask it, how it ends, and that it tells nobody."""

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
from mos_study.errors import BadStudy
from tests.webui.dashboard.page import DashboardProcess
from tests.webui.server_process import ROOT
from webui.commands import dashboard
from webui.dashboard.places import SHIPPED_RESULTS, SHIPPED_RUNS
from webui.dashboard.server import POLICY, SETTINGS, is_ours


def parsed(*words):
    parser = argparse.ArgumentParser()
    dashboard.add_arguments(parser)
    return parser.parse_args(words)


def test_without_options_it_shows_what_ships_and_a_folder_runs_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = dashboard.chosen_places(parsed())
    assert chosen.runs == (SHIPPED_RUNS,) and chosen.results == (SHIPPED_RESULTS,) and parsed().port == 8501
    (tmp_path / "runs").mkdir()
    assert dashboard.chosen_places(parsed()).runs[0].name == "runs"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "70000"], "--port"),
        (["--runs", "nowhere"], "--runs nowhere"),
        (["--results", "nowhere"], "--results nowhere"),
        (["--studies", "nowhere"], "--studies nowhere"),
        (["--studies", "mysql://host/ratings"], "--studies 'mysql' is neither"),
        (["--studies", "sqlite:///nowhere/answers.sqlite"], "no file 'nowhere/answers.sqlite'; check --studies"),
        (["--studies", "postgresql://127.0.0.1:1/ratings"], "cannot be opened"),
    ],
)
def test_what_the_user_can_fix_is_one_line(words, says):
    with pytest.raises((BadSetting, BadStudy), match=says) as caught:
        dashboard.chosen_places(parsed(*words))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        ("127.0.0.1:8501", None, True),
        ("localhost:8501", "http://localhost:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("127.0.0.1:8501", "http://127.0.0.1:7860", False),
        ("127.0.0.1:8501", "https://example.org", False),
        ("127.0.0.1:8501", "null", False),
        ("example.org:8501", "http://example.org:8501", False),
        ("", None, False),
    ],
)
def test_this_machines_own_page_alone_is_answered(host, origin, ours):
    assert is_ours(host, origin) is ours


def test_nothing_is_told_to_anybody():
    assert SETTINGS["browser.gatherUsageStats"] is False and SETTINGS["server.headless"] is True
    assert "connect-src 'self' data: blob:;" in POLICY


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_this_machine_and_stops_at_a_signal(number):
    with DashboardProcess() as page:
        host = page.address.removeprefix("http://")
        assert host.startswith("127.0.0.1:")
        with httpx.Client(trust_env=False) as http:
            answer = http.get(page.address)
            assert answer.status_code == 200 and answer.headers["content-security-policy"] == POLICY
            assert all(http.get(page.address + link.split(">")[0].strip(" <")).status_code == 200
                       for link in answer.headers["link"].split(","))  # fmt: skip
            assert http.get(page.address, headers={"Host": "example.org"}).status_code == 403
        started = time.monotonic()
        assert page.stop(number) == 0 and time.monotonic() - started < 8
        assert "Traceback" not in page.output and page.output.rstrip().endswith("The dashboard has stopped.")


@pytest.mark.slow
def test_a_port_that_is_taken_gets_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        words = [sys.executable, "launch.py", "dashboard", "--skip-install", "--no-browser", "--port", port]
        done = subprocess.run(words, cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True, timeout=90)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"whetstone: port {port} is in use by another program;")
    assert done.stderr.count("\n") == 1
