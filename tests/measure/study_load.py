"""Measures a study under load: many simulated volunteers at once on loopback, each answering at a steady pace.

    python -m tests.measure.study_load --json assets/results/study_load.json

Each loads the pictures of every trial, as a page does, and answers every --every seconds; every twentieth answer is
sent twice, as a double click would. At the end each session's rows are compared with what was acknowledged to it.
Clients, server and database share this machine. One run with SQLite, one with PostgreSQL where it is installed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

from engine.provenance import provenance
from mos_study.folder import open_store
from tests.mos_study import postgres
from tests.webui.study_process import SCREEN, StudyProcess, write_study

TWICE_EVERY = 20  # answers, of which one is sent twice
SIZE = (300, 444)  # of a picture: 400 KB without compression, as a photograph of 608 x 480 has with it
_ANSWER_S = 60  # that a request may take before it counts as lost


@dataclass
class Volunteer:
    """One connection to the server, and what came over it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    token: str
    answered: dict = field(default_factory=dict)  # trial -> (score, other_score), acknowledged
    answer_ms: list = field(default_factory=list)
    picture_ms: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    async def ask(self, path, content=None):
        """(status, body) of a request."""
        body = b"" if content is None else json.dumps(content).encode()
        kind = "" if content is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        method = "GET" if content is None else "POST"
        self.writer.write(
            f"{method} /api/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Session: {self.token}\r\n{kind}\r\n".encode() + body
        )
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), _ANSWER_S)
        lines = head.decode("latin-1").lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        return int(lines[0].split()[1]), await self.reader.readexactly(length)

    async def told(self, path, content=None):
        """The JSON of a request that must succeed."""
        status, body = await self.ask(path, content)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body[:200]!r}")
        return json.loads(body)

    async def begin(self):
        self.token = (await self.told("consent", {}))["token"]
        state = await self.told("check", SCREEN)
        for trial in state["next"]:
            await self.look(trial)
        return state

    async def look(self, trial):
        for name in trial["pictures"]:
            asked_at = time.perf_counter()
            status, _ = await self.ask(f"picture/{name}")
            if status != 200:
                raise RuntimeError(f"picture: {status}")
            self.picture_ms.append(1000 * (time.perf_counter() - asked_at))

    async def work(self, every_s, ends_at, rng):
        """Answer every so many seconds until then, the first after a random part of it; or until the session ends."""
        state = await self.begin()
        due = time.perf_counter() + every_s * rng.random()
        while due < ends_at and state["step"] != "done":
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += every_s
            number, scores = state["answered"], (rng.randint(1, 5), rng.randint(1, 5))
            content = {"trial": number, "score": scores[0], "other_score": scores[1], "response_ms": 1500}
            asked_at = time.perf_counter()
            state = await self.told("answer", content)
            self.answer_ms.append(1000 * (time.perf_counter() - asked_at))
            self.answered[number] = scores
            if number % TWICE_EVERY == 0:
                await self.told("answer", {**content, "score": 6 - scores[0]})
            if len(state.get("next", ())) > 1:
                await self.look(state["next"][1])


async def _crowd(address, token, volunteers, every_s, seconds):
    parts, rng = urlsplit(address), random.Random(0)
    crowd = [
        Volunteer(*await asyncio.open_connection(parts.hostname, parts.port, limit=2**20), token)
        for _ in range(volunteers)
    ]
    ends_at = time.perf_counter() + seconds

    async def one(volunteer, seed):
        try:
            await volunteer.work(every_s, ends_at, random.Random(seed))
        except (OSError, RuntimeError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            volunteer.errors.append(f"{type(error).__name__}: {error}")

    await asyncio.gather(*(one(volunteer, rng.random()) for volunteer in crowd))
    for volunteer in crowd:
        volunteer.writer.close()
    return crowd


def measure(volunteers, every_s, seconds, address=None, size=SIZE):
    """A dict of what came of so many volunteers. address: of an empty database, None for SQLite in the folder."""
    trials = round(seconds / every_s) + 2
    with tempfile.TemporaryDirectory(prefix="whetstone-study-load-") as folder:
        folder = Path(folder) / "study"
        write_study(folder, raters=volunteers, contents=2 + -(-trials // 3), size=size, trials=trials)
        options = ["--database", address] if address else []
        process = StudyProcess(folder, *options).wait_until_ready()
        try:
            server = psutil.Process(process.process.pid)
            spent = sum(server.cpu_times()[:2])
            crowd = asyncio.run(_crowd(process.address, process.token, volunteers, every_s, seconds))
            spent = sum(server.cpu_times()[:2]) - spent
        finally:
            process.stop()
        picture_bytes = next((folder / "stimuli").iterdir()).stat().st_size
        lost, doubled, kept = _compare(folder, address, crowd)
    answers = [ms for volunteer in crowd for ms in volunteer.answer_ms]
    pictures = [ms for volunteer in crowd for ms in volunteer.picture_ms]
    return {
        "database": "PostgreSQL" if address else "SQLite",
        "volunteers": volunteers,
        "every_s": every_s,
        "seconds": seconds,
        "answers": len(answers),
        "kept": kept,
        "lost": lost,
        "doubled_or_changed": doubled,
        "errors": sum(len(volunteer.errors) for volunteer in crowd),
        "first_errors": [error for volunteer in crowd for error in volunteer.errors][:3],
        "answer_ms": percentiles(answers),
        "picture_ms": percentiles(pictures),
        "pictures": len(pictures),
        "picture_bytes": picture_bytes,
        "server_cpu_s": round(spent, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }


def _compare(folder, address, crowd):
    """(acknowledged answers without their row, rows that are not what was acknowledged or once too often, rows)."""
    store = open_store(folder, address)
    try:
        rows, lost, doubled = {}, 0, 0
        for row in store.ratings():
            rows.setdefault(row["session"], []).append(row)
        for volunteer in crowd:
            visitor = store.find(volunteer.token)
            mine = rows.pop(visitor.session, []) if visitor else []
            found = {row["trial"]: (row["score"], row["other_score"]) for row in mine}
            lost += sum(trial not in found for trial in volunteer.answered)
            doubled += len(mine) - len(found)
            doubled += sum(scores != found.get(trial, scores) for trial, scores in volunteer.answered.items())
        doubled += sum(map(len, rows.values()))  # of nobody
        return lost, doubled, len(store.ratings())
    finally:
        store.close()


def percentiles(times):
    if not times:
        return None
    return {f"p{part}": round(float(np.percentile(times, part)), 1) for part in (50, 95, 99, 100)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--volunteers", type=int, default=200, help="at once (default: %(default)s)")
    parser.add_argument("--every", type=float, default=2, help="seconds between a volunteer's answers (default: 2)")
    parser.add_argument("--seconds", type=float, default=180, help="of each run (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    args = parser.parse_args()
    runs = [measure(args.volunteers, args.every, args.seconds)]
    obstacle = postgres.obstacle()
    with contextlib.ExitStack() as stack:
        if obstacle is None:
            address = stack.enter_context(postgres.postgres())
            runs.append(measure(args.volunteers, args.every, args.seconds, address))
    words = f"--volunteers {args.volunteers} --every {args.every:g} --seconds {args.seconds:g}"
    command = f"python -m tests.measure.study_load {words} --json {args.json or 'FILE'}"
    result = {"what": "simulated volunteers, clients and server on one machine", **provenance(command), "runs": runs}
    if obstacle:
        result["postgresql"] = obstacle
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
