"""`python launch.py sharpen IN [OUT]`: a picture, a folder of them or a video, into files of the same kind."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time

from engine.errors import BadSetting

HELP = "sharpen a picture, every picture of a folder, or a video"
MEASURED = {
    "blur": "width of the blur in pixels, 0 to 8",
    "noise": "noise in grey levels, 0 to 64",
    "compression": "what JPEG or a video coder changed, in grey levels, 0 to 64",
    "upscaling": "how many times it was enlarged, 1 to 8",
}


def add_arguments(parser):
    parser.add_argument(
        "input", metavar="IN", help="a picture (JPEG, PNG, WebP, BMP, TIFF), a folder of pictures, or a video"
    )
    parser.add_argument(
        "output",
        metavar="OUT",
        nargs="?",
        help="for a picture: a file, whose ending gives the format, or an existing folder (default: NAME-sharp.EXT "
        "beside it); for a folder: a folder (default: DIR-sharp beside it); for a video: .mp4, .mov or .mkv",
    )
    add_picture_options(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps, ... (default: %(default)s)")
    parser.add_argument(
        "--video-quality",
        default="high",
        metavar="Q",
        help="high, medium, small or x264's rate factor, 0 (lossless) to 51 (default: %(default)s)",
    )


def add_picture_options(parser):
    """The options of every command that sharpens files: which student, how much, what is read and written."""
    parser.add_argument(
        "--model", default="small", help="shipped name or path of a card; nano is faster (default: %(default)s)"
    )
    parser.add_argument(
        "--strength", type=float, default=1.0, help="0 unchanged, 1 as trained, up to 2 (default: %(default)s)"
    )
    for name, what in MEASURED.items():
        parser.add_argument(f"--{name}", type=float, metavar="N", help=f"{what}, instead of the measured number")
    parser.add_argument("--backend", default="auto", help="auto, openvino, onnx, torch (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto (the faster), float32, int8 (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist; IN itself never")
    parser.add_argument(
        "--recursive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a folder with its subfolders, or without",
    )
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=100.0,
        metavar="N",
        help="refuse larger pictures before they are decoded (default: %(default)g)",
    )
    parser.add_argument("--strip-gps", action="store_true", help="leave the place of exposure out of the result")
    parser.add_argument("--quiet", action="store_true", help="print nothing but what went wrong")


def checked(args):
    """(engine.batch.Settings, told numbers) of add_picture_options. Raises BadSetting for what is out of range."""
    if "" in (args.input, args.output):
        raise BadSetting("IN and OUT must not be empty; the current folder is `.`")
    if not 0.01 <= args.max_megapixels < 1_000_000:
        raise BadSetting(f"--max-megapixels must be a number from 0.01 to 1000000, not {args.max_megapixels:g}")
    from engine.batch import Settings
    from engine.degradation import Degradation
    from engine.sharpener import checked_strength

    strength = checked_strength(args.strength)
    told = {name: getattr(args, name) for name in MEASURED if getattr(args, name) is not None}
    Degradation(**told)  # refuses numbers outside their range
    return Settings(strength, round(args.max_megapixels * 1e6), not args.strip_gps, args.overwrite), told


def run(args):
    """0 all done; 2 some pictures could not be read (named at the end); 130 stopped by Ctrl-C, what is done is whole"""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what it has to say about a damaged file is said here

    settings, told = checked(args)
    with ended_like_ctrl_c():
        return _sharpened(args, settings, told)


@contextlib.contextmanager
def ended_like_ctrl_c():
    """Whoever ends this process politely (kill, a service manager) leaves as little half done as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _sharpened(args, settings, told):
    from engine.batch import batch_of, plan
    from engine.commands import sharpen_video
    from engine.sharpener import Sharpener

    if sharpen_video.is_video(args.input):
        return sharpen_video.run(args, settings.strength, told)
    work = plan(args.input, args.output, overwrite=args.overwrite, recursive=args.recursive)
    say = Speaker(quiet=args.quiet)
    if work.folder:
        say.plan(work)
    if not work.jobs:
        return say.unread(work)
    with Sharpener(args.model, device=args.device, backend=args.backend, precision=args.precision) as sharpener:
        batch = batch_of(work.jobs, sharpener, settings, told)
        return say.folder(work, batch) if work.folder else say.picture(batch)


class Speaker:
    """What a run says: results and sums on standard output, progress and troubles on standard error.

    A batch has `run()`, which yields engine.batch.Outcomes, and `written`, the results so far.
    """

    def __init__(self, *, quiet):
        self.quiet = quiet

    def plan(self, work):
        """Says what of a folder is not done, and why."""
        if work.done_before:
            self._tell(
                f"{_count(work.done_before, 'result')} in {work.folder} left as "
                f"{'it is' if work.done_before == 1 else 'they are'} (--overwrite makes them again)"
            )
        if work.others:
            self._tell(f"{_count(work.others, 'other file')} in the folder left alone: no pictures")

    def picture(self, batch):
        """One picture: its refusal is the command's own. The exit status."""
        started, outcomes = time.monotonic(), batch.run()
        try:
            for outcome in outcomes:
                if outcome.error:
                    raise outcome.error
                self._note(outcome, print)
                size, seconds = f"{outcome.width} x {outcome.height}", time.monotonic() - started
                words = f"; {outcome.degradation.words}" if outcome.degradation else ""
                self._tell(f"{outcome.job.target}  ({size}, {seconds:.1f} s{words})")
        except KeyboardInterrupt:
            outcomes.close()  # a write that began is finished first
            there = batch.written[0] if batch.written else None
            self._trouble(f"stopped; {there} is whole" if there else "stopped; nothing was written")
            return 130
        return 0

    def folder(self, work, batch):
        """A folder: a progress bar with an estimate; what was refused is named at the end. The exit status."""
        from tqdm import tqdm

        from engine.errors import BadOutput

        refused, started, total, outcomes = [], time.monotonic(), len(work.jobs), batch.run()
        # into a file or a pipe: a line now and then instead of a bar that moves
        pace = 0.1 if sys.stderr.isatty() else 10.0
        bar = tqdm(
            total=total, unit=" pictures", file=sys.stderr, disable=self.quiet, mininterval=pace, maxinterval=pace
        )
        try:
            with bar:
                for outcome in outcomes:
                    if outcome.error:
                        refused.append(outcome)
                    self._note(outcome, bar.write)
                    if outcome.degradation and not self.quiet:
                        bar.write(self._shown(f"{outcome.job.source}: {outcome.degradation.words}"))
                    bar.update()
        except KeyboardInterrupt:
            outcomes.close()  # a write that began is finished first
            done = f"{len(batch.written)} of {total} pictures are done and whole"
            self._trouble(f"stopped; {done} in {work.folder}; the same command goes on with the rest")
            return 130
        except BadOutput as error:
            if not batch.written:
                raise
            done = f"{len(batch.written)} of {total} pictures were done before"
            raise BadOutput(f"{error}; {done}, and the same command goes on with the rest") from error
        seconds = time.monotonic() - started
        if batch.written:
            self._tell(f"{_count(len(batch.written), 'picture')} sharpened into {work.folder} in {seconds:.1f} s")
        if refused:
            self._trouble(f"{len(refused)} of {_count(total, 'picture')} could not be read:")
            for outcome in refused:
                sys.stderr.write(f"  {outcome.error}\n")
        return max(2 if refused else 0, self.unread(work))

    def unread(self, work):
        """Says which folders could not be looked into; the exit status."""
        for line in work.unread:
            self._trouble(line)
        return 2 if work.unread else 0

    def _note(self, outcome, write):
        if not self.quiet:
            for notice in outcome.notices:
                write(f"{outcome.job.source}: {notice}", file=sys.stderr)

    def _tell(self, line):
        if not self.quiet:
            print(self._shown(line), flush=True)

    @staticmethod
    def _shown(line):
        """The line without what this terminal cannot show, as a name may hold it."""
        encoding = sys.stdout.encoding or "utf-8"
        return line.encode(encoding, "backslashreplace").decode(encoding)

    def _trouble(self, line):
        sys.stderr.write(f"whetstone: {line}\n")


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
