"""`python launch.py benchmark`: frames a second by student, backend, precision and size, peers in the same run."""

import shlex
import sys

from engine.commands.places import check_json_place
from engine.errors import BadSetting

HELP = "time the students on this machine, by resolution and backend"
QUICK = {"size": ["480p", "720p"], "runs": 7}


def add_arguments(parser):
    parser.add_argument(
        "--model", nargs="+", metavar="NAME", help="shipped names or paths of cards (default: all shipped)"
    )
    parser.add_argument("--backend", nargs="+", default=["auto"], help="auto, openvino, onnx, torch (default: auto)")
    parser.add_argument("--precision", nargs="+", default=["auto"], help="auto, float32, int8 (default: auto)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: %(default)s)")
    parser.add_argument("--size", nargs="+", help="480p, 720p, 1080p, 2160p (default: the first three)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: the library's choice)")
    parser.add_argument("--runs", type=int, metavar="N", help="timed frames each (default: 30)")
    parser.add_argument("--peers", action="store_true", help="also unsharp masks, ffmpeg's cas, the report's student")
    parser.add_argument("--compact", metavar="FILE", help="also Real-ESRGAN compact from its public .pth; needs torch")
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: 480p and 720p, 7 frames each, no fresh processes"
    )
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
    from engine.benchmark import SIZES

    args.runs = args.runs or (QUICK["runs"] if args.quick else 30)
    args.size = args.size or (QUICK["size"] if args.quick else ["480p", "720p", "1080p"])
    if args.runs < 1:
        raise BadSetting(f"--runs must be at least 1, not {args.runs}")
    for size in args.size:
        if size not in SIZES:
            raise BadSetting(f"size {size!r} is not one of {', '.join(SIZES)}")
    if args.json is not None:
        check_json_place(args.json)
    return _latency(args) if args.latency else _speed(args)


def _speed(args):
    from engine.benchmark import SIZES, Candidate, frame, on_a_stream, time_in_turns, time_measuring, time_steps
    from engine.first_frame import first_frame
    from engine.peers import PEERS, REPORT, open_compact, open_peer
    from engine.roofline import limits, machine_peaks

    students = _open_students(args)
    compact = None if args.compact is None else open_compact(args.compact)
    peaks = machine_peaks(0.3 if args.quick else 2.0)
    print(f"this machine: {peaks['gmacs']} billion multiply-adds a second (float32), {peaks['gbytes']} GB/s of memory")
    print(f"{'':<46}{'size':<7}{'median':>12}{'p95':>12}{'fps':>8}{'processor':>12}{'float32 limit':>15}")
    rows = []
    for size in args.size:
        pixels = frame(*SIZES[size])
        timed = [(Candidate(student.name, on_a_stream(student)), model, student) for model, student in students]
        if args.peers:
            too_slow = size == "2160p" or args.quick and size != "480p"  # gigabytes and minutes
            peers = [name for name in PEERS if name != REPORT or not too_slow]
            timed += [(Candidate(name, open_peer(name, *SIZES[size], args.threads)), None, None) for name in peers]
        if compact is not None and size != "2160p":
            timed.append((Candidate("Real-ESRGAN compact", compact), None, None))
        time_in_turns([candidate for candidate, _, _ in timed], pixels, runs=args.runs)
        for candidate, model, student in timed:
            row = {"model": candidate.name, "size": size} | candidate.figures()
            if student is not None:
                row |= {"backend": student.backend_name, "device": student.device, "precision": student.precision}
                row |= {"steps": time_steps(student, pixels)} | time_measuring(student, pixels)
                row["limit"] = limits(student.card.config, student.precision, *SIZES[size], peaks)
                if not args.quick and args.device in ("auto", "cpu"):
                    row |= first_frame(model, size, student.backend_name, student.precision)
            rows.append(row)
            print(_line(row), flush=True)
    for _, student in students:
        student.close()
    _write(args, {"runs": args.runs, "peaks": peaks, "rows": rows})
    return 0


def _open_students(args):
    """[(model as asked for, Sharpener), ...]; what cannot be is refused before minutes of measuring, not after."""
    from engine.cards import model_names
    from engine.sharpener import Sharpener

    return [
        (model, Sharpener(model, backend=backend, device=args.device, threads=args.threads, precision=precision))
        for model in args.model or model_names()
        for backend in args.backend
        for precision in args.precision
    ]


def _line(row):
    """A row for people."""
    name = " ".join(filter(None, [row["model"], row.get("backend"), row.get("precision")]))
    limit = row.get("limit")
    least = max(limit["compute_ms"], limit["memory_ms"]) if limit else None
    line = (
        f"{name:<46}{row['size']:<7}{row['median_ms']:>9.1f} ms{row['p95_ms']:>9.1f} ms{row['fps']:>8.1f}"
        f"{row['cpu_ms']:>9.1f} ms" + (f"{least:>12.1f} ms" if limit else "")
    )
    if "steps" in row:
        steps = " + ".join(f"{milliseconds:.1f}" for milliseconds in row["steps"].values())
        line += f"\n{'':<6}luma + student + add: {steps} ms"
    if "measure_ms" in row:
        line += f"; once: measuring {row['measure_ms']:.1f}, assembling {row['assemble_ms']:.1f} ms"
    if "first_frame_s" in row:
        line += f"; first frame after {row['first_frame_s']:.2f} s"
        line += f"; {row['memory_mb']:.0f} MB, {row['libraries_mb']:.0f} of it libraries"
    return line


def _write(args, figures):
    import json
    from pathlib import Path

    from engine.atomic_write import write_atomically
    from engine.provenance import provenance

    if args.json is not None:
        results = provenance(shlex.join(["python", "launch.py", *sys.argv[1:]])) | figures
        write_atomically(Path(args.json), (json.dumps(results, indent=1) + "\n").encode(), overwrite=True)


def _latency(args):
    import math

    from engine.benchmark import SIZES
    from engine.live.latency import measure_latency
    from engine.live.session import LiveSettings

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
    _write(args, {"seconds": args.seconds, "rows": rows})
    return 0
