"""`python launch.py ablate`: what each part of the recipe is worth, by training without and with it."""

import shlex
import sys

from engine.commands.places import check_folder_name

HELP = "train a student without and with each part of its recipe, and tabulate"


def add_arguments(parser):
    parser.add_argument("--data", required=True, metavar="DIR", help="as for train")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the runs and ablation.json go; resumes")
    parser.add_argument("--student", default="nano", help="(default: %(default)s)")
    parser.add_argument("--teacher", metavar="CARD", help="adds a row that learns from it, too")
    parser.add_argument("--recipe", default="both", help="report, call or both (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=5, help="of each row (default: %(default)s)")
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="(default: %(default)s)")
    parser.add_argument("--crops-per-picture", type=int, default=16, help="in one epoch (default: %(default)s)")
    parser.add_argument("--crop", type=int, default=192, help="side of a crop in pixels (default: %(default)s)")
    parser.add_argument("--val-pictures", type=int, default=50, help="validated every epoch (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pairs (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: %(default)s)")
    parser.add_argument("--precision", default="float32", help="float32 or bfloat16 (default: %(default)s)")


def run(args):
    check_folder_name(args.out)
    import torch

    from distill.ablation import COLUMNS, ablate
    from distill.settings import TrainSettings

    chosen = {name: value for name, value in vars(args).items() if name in TrainSettings.__dataclass_fields__}
    if chosen["device"] == "auto":
        chosen["device"] = "cuda" if torch.cuda.is_available() else "cpu"
    table = ablate(TrainSettings(**chosen), args.out, command=shlex.join(["python", "launch.py", *sys.argv[1:]]))
    print(f"{'row':<10}{'steps':>8}" + "".join(f"{name.removeprefix('val_'):>20}" for name in COLUMNS))
    for row in table:
        print(f"{row['name']:<10}{row['steps']:>8}" + "".join(f"{row.get(name, '-'):>20}" for name in COLUMNS))
    return 0
