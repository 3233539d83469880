"""`python launch.py benchmark`: frames a second by student, backend and resolution, with the share of each step."""

import shlex
import sys

from engine.commands.places import check_json_place
from engine.errors import BadSetting

HELP = "time the students on this machine, by resolution and backend"


def add_arguments(parser):
    parser.add_argument(
        "--model", nargs="+", metavar="NAME", help="shipped names or paths of cards (default: all shipped)"
    )
    parser.add_argument("--backend", nargs="+", default=["auto"], help="auto, openvino, onnx, torch (default: auto)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: %(default)s)")
    parser.add_argument("--size", nargs="+", default=["480p", "720p", "1080p"], help="480p, 720p, 1080p, 2160p")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: the library's choice)")
    parser.add_argument("--runs", type=int, default=30, metavar="N", help="timed frames each (default: %(default)s)")
    parser.add_argument(
        "--latency",
        action="store_true",
        help="instead: how old a frame of the test pattern is when it is read behind the live pipeline and the virtual "
        "camera, where there is one",
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, metavar="N", help="of --latency, each (default: %(default)g)"
    )
    parser.add_argument("--fps", type=float, default=30.0, help="of the pattern of --latency (default: %(default)g)")
    parser.add_argument("--json", metavar="FILE", help="also write the figures and what made them")


def run(args):
    import json
    from pathlib import Path

    from engine.atomic_write import write_atomically
    from engine.benchmark import SIZES, time_measuring, time_sharpener
    from engine.cards import model_names
    from engine.provenance import provenance
    from engine.sharpener import Sharpener

    if args.runs < 1:
        raise BadSetting(f"--runs must be at least 1, not {args.runs}")
    for size in args.size:
        if size not in SIZES:
            raise BadSetting(f"size {size!r} is not one of {', '.join(SIZES)}")
    if args.json is not None:
        check_json_place(args.json)
    if args.latency:
        return _latency(args)
    models = args.model or model_names()
    for model in models:  # before minutes of measuring, not after
        for backend in args.backend:
            Sharpener(model, backend=backend, device=args.device, threads=args.threads).close()
    rows = []
    print(f"{'student':<10}{'backend':<10}{'size':<7}{'median':>9}{'p95':>9}{'fps':>8}   luma + student + add, ms")
    for model in models:
        for backend in args.backend:
            with Sharpener(model, backend=backend, device=args.device, threads=args.threads) as sharpener:
                for size in args.size:
                    times = time_sharpener(sharpener, size, runs=args.runs)
                    once = time_measuring(sharpener, size)
                    row = {"model": sharpener.name, "backend": sharpener.backend_name, "device": sharpener.device}
                    rows.append(row | {"size": size} | times | once)
                    steps = " + ".join(f"{milliseconds:.1f}" for milliseconds in times["steps"].values())
                    print(
                        f"{sharpener.name:<10}{sharpener.backend_name:<10}{size:<7}{times['median_ms']:>6.1f} ms"
                        f"{times['p95_ms']:>6.1f} ms{times['fps']:>8.1f}   {steps}{_once(once)}",
                        flush=True,
                    )
    if args.json is not None:
        results = provenance(shlex.join(["python", "launch.py", *sys.argv[1:]])) | {"runs": args.runs, "rows": rows}
        write_atomically(Path(args.json), (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return 0


def _latency(args):
    import json
    import math
    from pathlib import Path

    from engine.atomic_write import write_atomically
    from engine.benchmark import SIZES
    from engine.live.latency import measure_latency
    from engine.live.session import LiveSettings
    from engine.provenance import provenance

    if not (math.isfinite(args.seconds) and 0 < args.seconds <= 3600):
        raise BadSetting(f"--seconds must be a number above 0 and up to 3600, not {args.seconds:g}")
    if len(args.backend) > 1:
        raise BadSetting("--latency takes one --backend")
    rows = []
    for model in args.model or ["small"]:
        for size in args.size:
            height, width = SIZES[size]
            settings = LiveSettings(
                source="pattern", height=height, width=width, fps=args.fps, model=model, auto=False,
                backend=args.backend[0], device=args.device,
            )  # fmt: skip
            row = {"model": model, "size": size, "fps": args.fps} | measure_latency(settings, args.seconds)
            rows.append(row)
            percentiles = [row[key] for key in ("p50_ms", "p95_ms", "p99_ms")]
            figures = "/".join(f"{milliseconds:.1f}" for milliseconds in percentiles) if row["frames"] else "-"
            print(
                f"{model:<10}{size:<7}{figures} ms (p50/p95/p99), {row['frames']} frames, {row['missing']} missing; "
                f"{row['path']}",
                flush=True,
            )
    if args.json is not None:
        results = provenance(shlex.join(["python", "launch.py", *sys.argv[1:]]))
        results |= {"seconds": args.seconds, "rows": rows}
        write_atomically(Path(args.json), (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)
    return 0


def _once(times):
    """What a picture costs beside, or a stream when it changes."""
    if not times:
        return ""
    return f"; once: measuring {times['measure_ms']:.1f}, assembling {times['assemble_ms']:.1f}"
