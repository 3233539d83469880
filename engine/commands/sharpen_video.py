"""The video part of `python launch.py sharpen`: progress with an estimate, Ctrl-C leaves nothing half done."""

import os
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from engine.errors import BadSetting

RAW_JPEGS = {".mjpeg", ".mjpg"}  # frame after frame without a container: their first bytes are a JPEG's
SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv", ".flv", ".3gp"}


def is_video(name):
    """Whether IN is a video, by its content, or by its name where the content says nothing (an empty file)."""
    from engine.images import is_picture_file, is_video_file

    path = Path(name)
    with suppress(OSError):
        if os.path.isfile(path):
            suffix = path.suffix.lower()
            named = suffix in RAW_JPEGS or (suffix in SUFFIXES and not is_picture_file(path))
            return named or is_video_file(path)
    return False


def run(args, strength, told):
    """0 done; 130 stopped by Ctrl-C, nothing is written. strength, told: checked."""
    from tqdm import tqdm

    from engine.live.steady import Steady
    from engine.live.stream_sharpener import StreamSharpener
    from engine.video.sharpen import SharpenVideo, checked_quality, target_of

    if told:
        raise BadSetting(f"--{next(iter(told))} is for pictures: a video is measured while it goes; leave it out")
    quality = checked_quality(args.video_quality)
    target = target_of(args.input, args.output, args.overwrite)
    started = time.monotonic()
    chosen = {"device": args.device, "backend": args.backend, "precision": args.precision}
    with StreamSharpener(args.model, **chosen, steady=Steady()) as sharpener:
        job = SharpenVideo(args.input, target, sharpener, strength, quality, args.overwrite)
        reader = job.reader
        total = reader.frame_count or (round(reader.seconds * float(reader.rate)) if reader.seconds else None)
        pace = 0.1 if sys.stderr.isatty() else 10.0
        bar = tqdm(total=total, unit=" frames", file=sys.stderr, disable=args.quiet, mininterval=pace, maxinterval=pace)
        try:
            with bar, closing(job.run()) as frames:
                for _ in frames:
                    bar.update()
        except KeyboardInterrupt:
            sys.stderr.write(f"whetstone: stopped after {job.frames} frames; nothing was written\n")
            return 130
        if args.quiet:
            return 0
        for notice in job.notices:
            print(f"{args.input}: {notice}", file=sys.stderr)
        seconds = time.monotonic() - started
        words = f"; {sharpener.degradation.words}" if sharpener.degradation is not None else ""
        size = f"{reader.width} x {reader.height}, {job.frames} frames"
        print(f"{target}  ({size}, {seconds:.1f} s, {job.frames / seconds:.1f} frames a second{words})", flush=True)
    return 0
