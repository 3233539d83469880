"""Measures the page under load: picture visitors and live visitors on loopback, each with an address of its own.

    python -m tests.measure.page_load --pictures 50 --live 8 --minutes 10 --json assets/results/page_load.json

A picture visitor uploads a photograph's size of JPEG, moves the strength, downloads the result, thinks for a while and
goes; then the next comes. A live visitor sends frames at a steady pace. Every result is decoded and compared in size.
--kill N ends the server with SIGKILL at N random moments and starts it again: visitors come back by themselves; what
the killed one left on the disk or as a process is counted at the end. Clients and server share this machine.
"""

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import psutil
from websockets.exceptions import WebSocketException

from engine.provenance import provenance
from tests.measure.study_load import percentiles
from tests.webui.live_server import Camera, soft_frame
from tests.webui.page_client import Visitor
from tests.webui.page_process import PageProcess
from tests.webui.pictures import decoded, encoded, scene
from webui.live_jpeg import size_of

SIZE = (480, 640)  # of pictures and frames
PICTURE = encoded(scene(*SIZE), "JPEG")
FRAMES = [soft_frame(*SIZE, seed=seed) for seed in range(4)]
PAUSE_S = 1.0  # of a visitor whom the server did not answer
_CONNECTION = (httpx.TransportError, OSError, WebSocketException, TimeoutError)


class Load:
    """What the visitors saw, filled by their threads."""

    def __init__(self, address, ends_at, think_s, fps):
        self.address, self.ends_at, self.think_s, self.fps = address, ends_at, think_s, fps
        self.down = threading.Event()  # the server was killed and is not back
        self.changed_at = 0.0  # when that began or ended
        self.times_ms: dict[str, list] = {"upload and first view": [], "strength": [], "download": [], "frame": []}
        self.errors: Counter = Counter()
        self.told_busy = 0
        self.broken = 0  # visits that a kill ended
        self.wrong = 0  # results that are not what was asked for
        self._lock = threading.Lock()

    def timed(self, name, call, *given):
        began = time.perf_counter()
        result = call(*given)
        self.times_ms[name].append(1000 * (time.perf_counter() - began))
        return result

    def visit_until_the_end(self, visit, number):
        """Visit again and again; what goes wrong is an error, but for a server that was killed under the visit."""
        rng = random.Random(number)
        time.sleep(rng.uniform(0, min(self.think_s, 5)))
        while time.monotonic() < self.ends_at:
            began = time.monotonic()
            try:
                visit(number, rng)
            except Exception as error:
                with self._lock:
                    if self.down.is_set() or self.changed_at >= began:
                        self.broken += 1  # its connection or, on the server that came back, its pictures are gone
                    elif not isinstance(error, _CONNECTION) or time.monotonic() < self.ends_at:
                        self.errors[f"{type(error).__name__}: {error}"[:120]] += 1
                time.sleep(PAUSE_S)

    def picture_visit(self, number, rng):
        transport = httpx.HTTPTransport(local_address=f"127.0.1.{number + 1}")
        content = PICTURE + rng.randbytes(8)  # behind its end: a file of its own, and the same work
        with Visitor(self.address, transport=transport) as visitor:
            shown = self.timed("upload and first view", visitor.bring, (content, f"{number}.jpg"))
            self._expect(shown.success and f"{SIZE[1]} × {SIZE[0]}" in shown.values["status"], shown)
            for _ in range(2):
                time.sleep(rng.uniform(0.5, 1.5) * self.think_s / 4)
                moved = {"strength": rng.randrange(10, 200)}
                shown = self.timed("strength", visitor.event, "strength", "change", moved)
                self._expect(shown.success and 'class="bad"' not in shown.values["status"], shown)
            ready = visitor.event("strength", "change", after="then")
            value = ready.values["download"]
            result = self.timed("download", visitor.download, value)
            self.wrong += decoded(result).shape != (*SIZE, 3)
            time.sleep(rng.uniform(0.5, 1.5) * self.think_s / 2)
            visitor.leave()

    def live_visit(self, number, rng):
        with Camera(self.address.replace("http://", "ws://"), source_address=(f"127.0.2.{number + 1}", 0)) as camera:
            if camera.first["type"] == "refused" and camera.first["message"].startswith("busy"):
                self.told_busy += 1  # the place of the visit before is given back when its last frame is done
                time.sleep(PAUSE_S)
                return
            self._expect(camera.first["type"] == "ready", camera.first)
            due, stays_until = time.monotonic(), time.monotonic() + rng.uniform(20, 60)
            for index in range(10**9):
                if time.monotonic() > min(self.ends_at, stays_until):
                    return
                came, jpeg = self.timed("frame", camera.round_trip, index, FRAMES[index % len(FRAMES)])
                self.wrong += came != index or size_of(jpeg) != SIZE
                due = max(due + 1 / self.fps, time.monotonic())
                time.sleep(max(0.0, due - time.monotonic()))

    @staticmethod
    def _expect(holds, what):
        if not holds:
            raise RuntimeError(str(what)[:110])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(pictures, live, minutes, kills=0, think_s=15.0, fps=4.0, model="small"):
    """A dict of what came of so many visitors."""
    with tempfile.TemporaryDirectory(prefix="whetstone-load-") as folder:
        options = ("--port", str(free_port()), "--model", model)
        page = PageProcess(folder, *options).wait_until_ready()
        load = Load(page.address, time.monotonic() + 60 * minutes, think_s, fps)
        rng, children, memory, outputs, spent = random.Random(0), [], [], [], {}
        kill_at = sorted(time.monotonic() + rng.uniform(0.1, 0.85) * 60 * minutes for _ in range(kills))
        crowd = [(load.picture_visit, number) for number in range(pictures)]
        crowd += [(load.live_visit, number) for number in range(live)]
        threads = [threading.Thread(target=load.visit_until_the_end, args=one, daemon=True) for one in crowd]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        while time.monotonic() < load.ends_at:
            server = psutil.Process(page.process.pid)
            memory.append((time.monotonic() - began, server.memory_info().rss / 1e6))
            spent[server.pid] = sum(server.cpu_times()[:2])
            if kill_at and time.monotonic() > kill_at[0]:
                kill_at.pop(0)
                children += server.children(recursive=True) + [server]
                load.down.set()
                load.changed_at = time.monotonic()
                page.stop(signal.SIGKILL)
                outputs.append(page.output)
                page = PageProcess(folder, *options).wait_until_ready()
                load.changed_at = time.monotonic()
                load.down.clear()
            time.sleep(1)
        for thread in threads:
            thread.join(120)
        stuck = sum(thread.is_alive() for thread in threads)
        time.sleep(8)  # a visitor who left may come back for six seconds
        workspaces = list(page.temporary.glob("whetstone-page-*"))
        left = [path for one in workspaces for path in one.rglob("*") if path.is_file() and path.name != "lock"]
        status = page.stop()
        outputs.append(page.output)
    for output in outputs:
        for trace in output.split("Traceback (most recent call last):")[1:]:
            print(f"the server said: Traceback{trace[:4000]}", file=sys.stderr)
    after_start = [(at, mb) for at, mb in memory if at > 0.25 * 60 * minutes]
    return {
        "picture_visitors": pictures,
        "live_visitors": live,
        "minutes": minutes,
        "kills": kills,
        "visits": len(load.times_ms["download"]),
        "errors": sum(load.errors.values()),
        "first_errors": dict(load.errors.most_common(5)),
        "live_visits_told_busy": load.told_busy,
        "visits_broken_by_a_kill": load.broken,
        "wrong_results": load.wrong,
        "visitors_without_an_answer": stuck,
        "tracebacks": sum(output.count("Traceback") for output in outputs),
        "files_left": len(left),
        "first_files_left": [path.name for path in left[:5]],
        "folders_of_killed_servers_left": len(workspaces) - 1,
        "orphans": sum(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children),
        "exit_status": status,
        "server_cpu_s": round(sum(spent.values()), 1),
        "clients_cpu_s": round(sum(os.times()[:2]), 1),
        "times_ms": {
            name: {"count": len(times), **(percentiles(times) or {})} for name, times in load.times_ms.items()
        },
        "memory_mb": {
            "every_tenth": [round(mb) for _, mb in memory[:: max(1, len(memory) // 10)]],
            "most": round(max(mb for _, mb in memory)),
            "growth_a_minute_after_the_first_quarter": None if kills else round(60 * _slope(after_start), 2),
        },
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _slope(points):
    at, values = np.array(points).T
    return float(np.polyfit(at, values, 1)[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=50, help="picture visitors at once (default: %(default)s)")
    parser.add_argument("--live", type=int, default=8, help="live visitors at once (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: %(default)s)")
    parser.add_argument("--kill", type=int, default=0, metavar="N", help="kill -9 and start again so often")
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    args = parser.parse_args()
    words = f"--pictures {args.pictures} --live {args.live} --minutes {args.minutes:g} --kill {args.kill}"
    command = f"python -m tests.measure.page_load {words} --json {args.json or 'FILE'}"
    result = {
        "what": f"simulated visitors on one machine, {SIZE[1]} x {SIZE[0]} pixels, student small",
        **provenance(command),
        "run": measure(args.pictures, args.live, args.minutes, args.kill),
    }
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
