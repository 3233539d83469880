"""`python launch.py export --out FILE`: a student for a stated degradation as ONNX or OpenVINO IR, checked."""

from engine.commands.sharpen import MEASURED
from engine.degradation import TYPICAL
from engine.errors import BadSetting

HELP = "write a student as ONNX or OpenVINO IR for other programs, checked against the engine"


def add_arguments(parser):
    parser.add_argument("--model", default="small", help="shipped name or path of a card (default: %(default)s)")
    parser.add_argument(
        "--format", default="onnx", choices=("onnx", "openvino"), help="of the file (default: %(default)s)"
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="ends in .onnx, or for openvino in .xml (NAME.bin comes with it)"
    )
    for name, what in MEASURED.items():
        parser.add_argument(
            f"--{name}", type=float, metavar="N", help=f"{what}, that it is for (default: {getattr(TYPICAL, name):g})"
        )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "int8"),
        help="int8 for students that were trained for it (default: %(default)s)",
    )
    parser.add_argument(
        "--estimator",
        action="store_true",
        help="also write NAME-estimator beside it, which measures a picture's degradation",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(args):
    """0 written; raises BadSetting, UnknownModel, BadCard, UnknownBackend, BadOutput, with nothing left behind"""
    from dataclasses import replace
    from pathlib import Path

    from engine.cards import load_card
    from engine.export import ENDINGS, exported_estimator, exported_student, write_files
    from engine.graph import OPSET

    ending = ENDINGS[args.format][0]
    if not Path(args.out).name.removesuffix(ending) or not args.out.endswith(ending):
        raise BadSetting(f"--out of --format {args.format} must end in {ending}, not {args.out!r}")
    told = {name: getattr(args, name) for name in MEASURED if getattr(args, name) is not None}
    degradation = replace(TYPICAL, **told)  # refuses numbers outside their range
    card = load_card(args.model)
    blind = card.config.experts == 1
    if blind and (told or args.estimator):
        option = next(iter(told), "estimator")
        raise BadSetting(f"model {card.name!r} is blind: leave out --{option}, or choose another")
    made = {Path(args.out): exported_student(card, degradation, args.format, args.precision)}
    if args.estimator:
        beside = Path(args.out.removesuffix(ending) + f"-estimator{ending}")
        made[beside] = exported_estimator(card, args.format)
    files = {place.with_suffix(end): data for place, one in made.items() for end, data in reversed(one.files.items())}
    write_files(files, args.overwrite)
    kind = f"ONNX opset {OPSET}" if args.format == "onnx" else "OpenVINO IR"
    print(f"{card.name}, {args.precision}, {kind}; for {'any picture' if blind else degradation.words}")
    for place, one in made.items():
        for end, data in one.files.items():
            print(f"{place.with_suffix(end)}  ({len(data) / 1000:.1f} KB)")
        print(f"  {one.words}")
    return 0
