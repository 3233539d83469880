"""`python launch.py batch IN [OUT]`: a folder too large for one machine, through the machines of a Ray cluster."""

from __future__ import annotations

import os

from engine.commands.sharpen import Speaker, add_picture_options, checked
from engine.errors import BadSetting

HELP = "sharpen a folder on many processes or machines with Ray"


def add_arguments(parser):
    """As `sharpen`, for a folder; and which processes do the work."""
    parser.add_argument("input", metavar="IN", help="a folder of pictures; on a cluster all machines must see it")
    parser.add_argument("output", metavar="OUT", nargs="?", help="a folder (default: DIR-sharp beside it)")
    add_picture_options(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine, one core each (default: its cores)"
    )
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="the Ray cluster that this machine has joined (auto: the one that runs here); its machines share the "
        "folders and this checkout under the same paths (default: a cluster of --workers here, for this run alone)",
    )


def run(args):
    """As `sharpen` for a folder: 0 all done; 2 some could not be read (named at the end); 130 stopped by Ctrl-C."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")

    settings, told = checked(args)
    _check_place(args)
    from engine.batch import batch_of, plan
    from engine.hardware import usable_cores
    from engine.ray_batch import RayBatch, Work, cluster
    from engine.sharpener import Sharpener

    folder = plan(args.input, args.output, overwrite=args.overwrite, recursive=args.recursive)
    model = os.path.abspath(args.model) if os.path.exists(args.model) else args.model
    with Sharpener(model, device="cpu", backend=args.backend, precision=args.precision) as sharpener:
        batch_of((), sharpener, settings, told)  # refuses now what each process would refuse
    say = Speaker(quiet=args.quiet)
    say.plan(folder)
    if not folder.jobs:
        return say.unread(folder)
    with cluster(args.address, args.workers or usable_cores()):
        work = Work(model, args.backend, args.precision, settings, told)
        return say.folder(folder, RayBatch(folder.jobs, work))


def _check_place(args):
    if os.path.lexists(args.input) and not os.path.isdir(args.input):
        raise BadSetting(f"{args.input!r} is no folder; one file goes to `python launch.py sharpen`")
    if args.workers is not None and args.workers < 1:
        raise BadSetting(f"--workers must be a whole number of 1 or more, not {args.workers}")
    if args.address is None:
        return
    if args.workers is not None:
        raise BadSetting("--workers are processes on this machine, --address is a cluster that has its own: give one")
    if not args.address or "://" in args.address:
        raise BadSetting(f"--address must be HOST:PORT of a cluster, or the word auto, not {args.address!r}")
