"""Measures the dashboard: milliseconds from the address to the first chart, with 50 runs of 10,000 points; and how long
a look at a large event file lasts.

    python -m tests.measure.dashboard_time --json assets/results/dashboard_time.json

The clock is the browser's, from the start of the navigation: to its first contentful paint, and to the second animation
frame after the first curve was drawn. Each time is a new profile (nothing in the browser's cache); the first comes
right after the command's start.
Beside it, in turn, what Streamlit and Plotly take by themselves: a page with one chart of three points.
The event file is 200 MB of scalars, the only run of a second dashboard: its times are those to the first chart and to
the end of reading, during which the page goes on answering.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.provenance import provenance
from tests.browser.chromium import chromium
from tests.webui.dashboard.logs import SETTINGS, row, write_run
from tests.webui.dashboard.page import DashboardProcess
from webui.dashboard.event_log import _masked_crc

BARE = """import streamlit as st
import plotly.graph_objects as go
st.plotly_chart(go.Figure([go.Scatter(x=[1, 2, 3], y=[1, 3, 2], mode="lines")]))
"""
MOMENTS = ("first_contentful_paint", "first_curve")
FIRST_CURVE = """
() => new Promise((resolve) => {
  const look = () => document.querySelector(".js-plotly-plot .scatterlayer path.js-line")
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve([
        performance.getEntriesByName("first-contentful-paint")[0].startTime, performance.now()])))
    : requestAnimationFrame(look);
  look();
})
"""


def write_runs(folder, runs, points):
    """Runs as long as asked; 12 quantities a point."""
    rng = np.random.default_rng(0)
    for index in range(runs):
        noise = rng.normal(0, 0.002, points).tolist()
        rows = [
            row(epoch + 1, val_ssim=0.8 + noise[epoch], val_call_ssim=0.8 + noise[epoch]) for epoch in range(points)
        ]
        write_run(folder / f"run-{index:02}", settings={**SETTINGS, "epochs": points, "seed": index}, rows=rows)


def write_events(path, size):
    """An event file of about `size` bytes: four tags, a scalar a record."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    written, step = 0, 0
    with open(path, "wb") as file:
        while written < size:
            for tag in ("val_ssim", "val_psnr", "loss_total", "learning_rate"):
                value = Summary.Value(tag=tag, simple_value=0.8 + 0.1 * np.sin(step / 1e4))
                record = Event(wall_time=1e9 + step, step=step, summary=Summary(value=[value])).SerializeToString()
                length = struct.pack("<Q", len(record))
                written += file.write(length + struct.pack("<I", _masked_crc(length)) + record + bytes(4))
            step += 1
    return step * 4


def first_paint(browser, address):
    """([milliseconds to the first contentful paint, to the first curve], page) in a new profile."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(address, wait_until="commit")
    return page.evaluate(FIRST_CURVE), page


@contextlib.contextmanager
def bare_page():
    """The address of a Streamlit page with one small chart."""
    with tempfile.TemporaryDirectory(prefix="whetstone-bare-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        probe.close()
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        options = ["--server.headless=true", f"--server.port={port}", "--browser.gatherUsageStats=false"]
        words = [sys.executable, "-m", "streamlit", "run", str(script), *options]
        with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                while not _answers(int(port)):
                    time.sleep(0.1)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _medians(times):
    return {moment: statistics.median(of) for moment, of in zip(MOMENTS, zip(*times))}


def measure_runs(runs, points, visits):
    with tempfile.TemporaryDirectory(prefix="whetstone-dashboard-") as folder:
        write_runs(Path(folder), runs, points)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.jsonl"))
        with DashboardProcess("--runs", folder) as dashboard, bare_page() as bare, chromium() as browser:
            times, bare_times = [], []  # (first contentful paint, first curve) each
            for _ in range(visits + 1):
                for address, kept in ((dashboard.address, times), (bare, bare_times)):
                    elapsed, page = first_paint(browser, address)
                    kept.append([round(milliseconds) for milliseconds in elapsed])
                    page.context.close()
            version = browser.version
    return {
        "runs": runs,
        "points_a_curve": points,
        "megabytes": round(size / 1e6),
        "first_visit_ms": dict(zip(MOMENTS, times[0])),
        "median_ms": _medians(times[1:]),
        "each": times,
        "bare_median_ms": _medians(bare_times[1:]),
        "bare_each": bare_times,
        "chromium": version,
    }


def measure_events(megabytes):
    with tempfile.TemporaryDirectory(prefix="whetstone-dashboard-") as folder:
        records = write_events(Path(folder) / "events.out.tfevents.1.large", megabytes * 10**6)
        with DashboardProcess("--runs", folder) as dashboard, chromium() as browser:
            (_painted, elapsed), page = first_paint(browser, dashboard.address)
            started = time.monotonic()
            page.wait_for_function("!document.querySelector('[data-testid=stProgress]')", timeout=600_000)
            return {
                "megabytes": megabytes,
                "records": records,
                "first_chart_ms": round(elapsed),
                "all_read_after_s": round(time.monotonic() - started + elapsed / 1000, 1),
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=5, help="after the first (default: %(default)s)")
    parser.add_argument(
        "--megabytes", type=int, default=200, help="of the event file, 0 for none (default: %(default)s)"
    )
    args = parser.parse_args()
    found = measure_runs(args.runs, args.points, args.visits)
    found["event_file"] = measure_events(args.megabytes) if args.megabytes else None
    found["load_average"] = [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None
    command = "python -m tests.measure.dashboard_time" + (f" --json {args.json}" if args.json else "")
    text = json.dumps(found | provenance(command), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
