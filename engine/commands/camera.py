"""`python launch.py camera`: a camera through a student into the virtual camera that calls list, until Ctrl-C."""

import contextlib
import json
import math
import shlex
import signal
import sys
import threading
import time
from collections import deque

from engine.commands.places import check_json_place
from engine.errors import BadOutput, BadSetting

HELP = "sharpen a camera live into a virtual camera for Zoom, Meet and Teams"
STATUS_S = 2.0  # between status lines
MINUTE_S = 60.0
NAMED_SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920)}


def add_arguments(parser):
    parser.add_argument(
        "--source",
        default="0",
        help="a camera's number or device file, `pattern` (needs no camera), a video or a folder of pictures, which "
        "are played over and over (default: %(default)s)",
    )
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="asked of the camera (default: %(default)s)")
    parser.add_argument("--fps", type=float, default=30.0, help="asked of the camera (default: %(default)g)")
    parser.add_argument("--model", default="small", help="shipped name or path of a card (default: %(default)s)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 2 (default: %(default)g)")
    parser.add_argument(
        "--output", default="virtual", help="virtual, null, or a video file (.mp4, .mkv, .mov) (default: %(default)s)"
    )
    parser.add_argument("--virtual-device", metavar="NAME", help="which virtual camera (default: the first)")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop after so long (default: at Ctrl-C)")
    parser.add_argument("--json", metavar="FILE", help="write the figures of the run and what made them")
    parser.add_argument("--overwrite", action="store_true", help="replace the video file of --output if there is one")
    parser.add_argument("--backend", default="auto", help="auto, openvino, onnx, torch (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps, ... (default: %(default)s)")
    _switch(parser, "auto", "step to a smaller student, then to half rate, when this machine cannot hold the rate")
    _switch(parser, "steady", "keep noise where nothing moves from flickering")
    parser.add_argument("--quiet", action="store_true", help="no status lines")


def _switch(parser, name, text):
    parser.add_argument(f"--{name}", dest=name, action="store_true", default=True, help=f"{text} (the default)")
    parser.add_argument(f"--no-{name}", dest=name, action="store_false", help="do not")


def run(args):
    """0 when --seconds are over; 2 no camera, no driver, wrong words; 130 stopped by Ctrl-C, a recording is whole"""
    height, width = size_of(args.size)
    if args.seconds is not None and not (math.isfinite(args.seconds) and args.seconds > 0):
        raise BadSetting(f"--seconds must be a number above 0, not {args.seconds:g}")
    if args.json is not None:
        check_json_place(args.json)
    from engine.live.session import LiveSession, LiveSettings

    settings = LiveSettings(
        source=args.source, height=height, width=width, fps=args.fps, model=args.model, strength=args.strength,
        output=args.output, output_needed=True, auto=args.auto, steady=args.steady, backend=args.backend,
        device=args.device, virtual_device=args.virtual_device, overwrite=args.overwrite,
    )  # fmt: skip
    imports_mb = _imports_mb(args.backend) if args.json is not None else None
    session = LiveSession(tell=lambda line: _tell(session, line), watched=False)
    watch = Watch()
    with stop_signals() as asked_to_stop:
        session.start(settings)
        if not args.quiet:
            now = session.stats()
            where = f"{now['width']}x{now['height']} from {now['source']} to {now['output']}"
            print(f"{where}; {now['student']} by {now['backend']}; Ctrl-C stops", flush=True)
        watch.until(session, args.seconds, asked_to_stop, quiet=args.quiet)
        status = 130 if asked_to_stop.is_set() else 0
        return _finish(args, session, watch, status, imports_mb)


def _tell(session, line):
    if line != str(session.error):  # which ends the command, and is said then
        print(f"whetstone: {line}", file=sys.stderr, flush=True)


def _imports_mb(backend):
    """The memory of this process with all its libraries and nothing done yet: what is above it the call takes."""
    from engine.backends import preload
    from engine.hardware import process_memory_bytes

    preload(backend)
    return round(process_memory_bytes() / 1e6, 1)


def _finish(args, session, watch, status, imports_mb):
    """End the run, say and write what it came to; the exit status."""
    figures, last = session.whole_run(), session.stop()
    error = session.error
    if figures is not None:
        if not args.quiet and error is None:
            print(_sum(figures), flush=True)
        if args.json is not None:
            figures |= {"error": None if error is None else str(error)}
            try:
                _write(args.json, figures, last, watch, imports_mb)
            except BadOutput:
                if error is None:  # else what ended the run is said: the disk may be full for both
                    raise
    if error is not None:
        raise error
    return status


def size_of(text):
    """(height, width) of "1280x720" or "720p". Raises BadSetting."""
    if text in NAMED_SIZES:
        return NAMED_SIZES[text]
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise BadSetting(f"--size must be WIDTHxHEIGHT such as 1280x720, or {', '.join(NAMED_SIZES)}, not {text!r}")
    return int(parts[1]), int(parts[0])


@contextlib.contextmanager
def stop_signals():
    """An Event that Ctrl-C sets, and whoever ends this process politely (kill, a service manager).

    So nothing is torn in its middle: a camera or a library that is being opened is opened first, then closed.
    """
    asked = threading.Event()
    before = {kind: signal.signal(kind, lambda *_: asked.set()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


class Watch:
    """Prints how a session does every STATUS_S and keeps its figures of each minute, of the last day at most."""

    def __init__(self):
        self.minutes = deque(maxlen=1440)

    def until(self, session, seconds, asked_to_stop, quiet):
        """Until the session ends by itself, for so long, or until asked_to_stop, an Event, is set."""
        begun = spoken = noted = time.monotonic()
        while not session.wait(0.1) and not asked_to_stop.is_set():
            now = time.monotonic()
            if seconds is not None and now - begun >= seconds:
                break
            if now - noted >= MINUTE_S:
                noted = now
                figures = session.stats()
                kept = ("fps_in", "fps_out", "latency_p50_ms", "latency_p95_ms", "memory_mb", "student")
                self.minutes.append({"minute": round((now - begun) / MINUTE_S)} | {key: figures[key] for key in kept})
            if now - spoken >= STATUS_S:
                spoken = now
                if not quiet:
                    print(status_line(session.stats()), flush=True)


def status_line(now):
    """How it goes, in one line, from LiveSession.stats()."""
    rate = " at half rate" if now["half_rate"] else ""
    extra = "" if now["state"] == "running" else f"  [{now['state']}]"
    return (
        f"{_number(now['fps_in'])} fps in, {_number(now['fps_out'])} out  "
        f"latency {_number(now['latency_p50_ms'])}/{_number(now['latency_p95_ms'])} ms (p50/p95)  "
        f"dropped {now['dropped']}  bypassed {now['bypassed']}  "
        f"{now['student']}{rate}: {_number(now['work_ms'])} of {_number(now['available_ms'])} ms{extra}"
    )


def _number(value):
    return "-" if value is None else f"{value:.1f}"


def _sum(figures):
    return (
        f"{figures['frames_out']} frames sent in {figures['seconds']:.1f} s ({figures['fps_out'] or 0:.1f} a second), "
        f"{figures['dropped']} dropped, {figures['bypassed']} bypassed; latency "
        f"{_number(figures['latency_p50_ms'])}/{_number(figures['latency_p95_ms'])} ms (p50/p95)"
    )


def _write(name, figures, last, watch, imports_mb):
    from pathlib import Path

    from engine.atomic_write import write_atomically
    from engine.provenance import provenance

    kept = ("source", "output", "height", "width", "student", "half_rate", "backend", "measured", "memory_mb")
    results = provenance(shlex.join(["python", "launch.py", *sys.argv[1:]])) | figures
    results |= {key: last[key] for key in kept} | {"messages": last["messages"], "minutes": list(watch.minutes)}
    results |= {"memory_of_imports_mb": imports_mb, "memory_above_imports_mb": round(last["memory_mb"] - imports_mb, 1)}
    write_atomically(Path(name), (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
