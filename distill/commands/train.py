"""`python launch.py train`: distil a student from a folder of pictures; run again, it goes on where it stopped."""

import shlex
import sys
from pathlib import Path

from engine.commands.places import check_folder_name

HELP = "distil a student from a folder of pictures; resumes"


def add_arguments(parser):
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="clean pictures: train/ and val/, or one folder that is split here"
    )
    parser.add_argument(
        "--out", required=True, metavar="RUN", help="the run's folder: settings, log, state and the best card"
    )
    parser.add_argument("--split", metavar="FILE", help="which pictures validate, written by data check --out")
    parser.add_argument(
        "--student",
        default="small",
        help="nano, small, base, report, or a teacher: rrdb-small, ... (default: %(default)s)",
    )
    parser.add_argument(
        "--teacher", metavar="CARD", help="a shipped name, a card, or a weights file whose pictures are a second target"
    )
    parser.add_argument("--recipe", default="report", help="report, call or both (default: %(default)s)")
    parser.add_argument(
        "--call-share", type=float, default=0.4, help="share of call's crops under both (default: %(default)s)"
    )
    parser.add_argument(
        "--call-versions", type=int, default=3, help="prepared draws of each picture (default: %(default)s)"
    )
    parser.add_argument("--experts", type=int, help="sets of weights; 1 trains it blind (default: the student's)")
    parser.add_argument(
        "--told-share", type=float, default=0.25, help="share of crops told their degradation (default: %(default)s)"
    )
    parser.add_argument(
        "--estimate-weight", type=float, default=0.3, help="of the measured degradation's error (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=8, help="crops in a step (default: %(default)s)")
    parser.add_argument("--crop", type=int, default=192, help="side of a crop in pixels (default: %(default)s)")
    parser.add_argument("--crops-per-picture", type=int, default=16, help="in one epoch (default: %(default)s)")
    parser.add_argument(
        "--clean-share", type=float, default=0.05, help="share of crops left sharp (default: %(default)s)"
    )
    parser.add_argument(
        "--loss",
        default="l1",
        help="against the clean picture: l1, charbonnier, wavelet or psnr (default: %(default)s)",
    )
    parser.add_argument(
        "--alpha",
        type=float,
        default=0.7,
        help="weight of the clean picture against the teacher's (default: %(default)s)",
    )
    parser.add_argument(
        "--feature-weight", type=float, default=0.0, help="of matching the teacher's features (default: %(default)s)"
    )
    parser.add_argument(
        "--perceptual-weight", type=float, default=0.0, help="of VGG-19's view of the picture (default: %(default)s)"
    )
    parser.add_argument("--vgg", metavar="FILE", help="VGG-19's weights with torchvision's names, .pth or .safetensors")
    parser.add_argument("--init", metavar="CARD", help="begin with the weights of this card of the same student")
    parser.add_argument("--estimator", metavar="CARD", help="begin with the estimator of this card of any student")
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="of Adam (default: %(default)s)")
    parser.add_argument("--beta2", type=float, default=0.99, help="of Adam (default: %(default)s)")
    parser.add_argument(
        "--schedule", default="cosine", help="cosine, or plateau: halved after 5 epochs (default: %(default)s)"
    )
    parser.add_argument(
        "--ema", type=float, default=0.999, help="decay of the averaged weights, 0 for none (default: %(default)s)"
    )
    parser.add_argument("--val-pictures", type=int, default=50, help="validated every epoch (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="(default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pairs (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: %(default)s)")
    parser.add_argument("--quantise", action="store_true", help="train the weights of --init on, for 8-bit arithmetic")
    parser.add_argument("--prune", type=int, metavar="CHANNELS", help="keep so many of the channels of --init")
    parser.add_argument("--branches", action="store_true", help="re-parameterised 3x3 filters, folded afterwards")
    parser.add_argument("--compile", action="store_true", help="torch.compile: slow to start, faster after")
    parser.add_argument("--precision", default="float32", help="float32 or bfloat16 (default: %(default)s)")


def run(args):
    check_folder_name(args.out)
    import torch
    from accelerate import PartialState

    from distill.settings import TrainSettings
    from distill.train import train

    settings = vars(args).copy()
    out = settings.pop("out")
    if settings["device"] == "auto":
        settings["device"] = "cuda" if torch.cuda.is_available() else "cpu"
    fields = TrainSettings.__dataclass_fields__
    try:
        chosen = TrainSettings(**{name: value for name, value in settings.items() if name in fields})
        path = train(chosen, out, command=shlex.join(["python", "launch.py", *sys.argv[1:]]))
    except KeyboardInterrupt:
        kept = (Path(out) / "last.pt").exists()
        after = "goes on after the last finished epoch" if kept else "begins anew, as no epoch was finished"
        print(f"\nthe same command {after}; the run lies in {out}")
        raise
    print(f"the best student is {path}; use it as --model {path}")
    if PartialState().is_main_process:
        _draw(out)
    return 0


def _draw(out):
    """The figures of the run beside its log; a run that has ended well does not fail because it cannot be drawn."""
    try:
        from distill.figures import save_figures

        print(f"its curves are {save_figures([out], Path(out) / 'figures')[0]}")
    except Exception as error:
        print(f"its curves could not be drawn ({error}); `python launch.py figures {out}` tries again", file=sys.stderr)
