"""Measures how two sessions share the processor: in one process, as the page's visitors, and in two processes.

    python -m tests.measure.sharing --json assets/results/sharing.json

In each round one session sharpens frames alone, then two at once in threads, then two at once in processes, each for
the same time. Two sessions share well when they make as many frames together as one alone, and about as many each.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

from engine.benchmark import SIZES, frame
from engine.degradation import Degradation
from engine.provenance import provenance
from engine.sharpener import Sharpener

WAYS = ("alone", "two threads", "two processes")


class Session:
    """A sharpener of its own that has sharpened its first frames."""

    def __init__(self, model, size):
        self._sharpener, self._pixels = Sharpener(model, degradation=Degradation(1.2, 0, 0, 1)), frame(*SIZES[size])
        for _ in range(3):
            self._sharpener(self._pixels)

    def frames_a_second(self, seconds):
        """Sharpens frame after frame for so long."""
        frames, started = 0, time.perf_counter()
        while (spent := time.perf_counter() - started) < seconds:
            self._sharpener(self._pixels)
            frames += 1
        return frames / spent

    def close(self):
        self._sharpener.close()


def at_once(sessions, seconds):
    """Frames a second of each of several sessions, all at once in threads of this process."""
    rates = [0.0] * len(sessions)

    def work(index):
        rates[index] = sessions[index].frames_a_second(seconds)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rates


class OtherProcess:
    """A session in a process of its own: it measures when it is told to."""

    def __init__(self, model, size):
        command = [sys.executable, "-m", "tests.measure.sharing", "--model", model, "--size", size, "--as-session"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "ready\n"

    def frames_a_second(self, seconds):
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)


def serve(model, size):
    """The other end of OtherProcess."""
    session = Session(model, size)
    print("ready", flush=True)
    for line in sys.stdin:
        print(session.frames_a_second(float(line)), flush=True)


def measure(model, size, rounds, seconds):
    """{"frames_a_second": {way: [[of each session] of each round]}, "together_of_alone": {way: share}, ...}."""
    threads, processes = [Session(model, size) for _ in range(2)], [OtherProcess(model, size) for _ in range(2)]
    rates = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, sessions in zip(WAYS, (threads[:1], threads, processes), strict=True):
            rates[way].append([round(rate, 2) for rate in at_once(sessions, seconds)])
    for session in threads + processes:
        session.close()
    alone = median(sum(each) for each in rates["alone"])
    return {
        "frames_a_second": rates,
        "together_of_alone": {way: round(median(map(sum, rates[way])) / alone, 3) for way in WAYS[1:]},
        "slower_of_both": {way: round(median(min(each) / sum(each) for each in rates[way]), 3) for way in WAYS[1:]},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="nano", help="(default: %(default)s)")
    parser.add_argument("--size", default="720p", choices=SIZES, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of each way in a round (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--as-session", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_session:
        serve(args.model, args.size)
        return
    result = {"model": args.model, "size": args.size, **measure(args.model, args.size, args.rounds, args.seconds)}
    result["load_average"] = [round(load, 2) for load in os.getloadavg()]
    words = f"--model {args.model} --size {args.size} --rounds {args.rounds} --seconds {args.seconds:g}"
    command = f"python -m tests.measure.sharing {words} --json {args.json or 'FILE'}"
    text = json.dumps(result | provenance(command), indent=1)
    print(text)
    if args.json:
        Path(args.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
