"""`python launch.py study plan`: renders a study's stimuli (distill), then draws its plan of them (mos_study)."""

import shlex
import sys

HELP = "render the stimuli of a blind study and draw its plan"


def add_arguments(parser):
    parser.add_argument(
        "--sources", required=True, metavar="DIR", help="clean pictures and clips, one folder a category or alone"
    )
    parser.add_argument(
        "--conditions",
        required=True,
        metavar="A,B,...",
        help="what is compared: clean, degraded, unsharp, cas, shipped students, or NAME=path/to/card.json",
    )
    parser.add_argument(
        "--method",
        default="ab",
        help="ab: two pictures, each rated 1-5; ccr: how much better, -3..3; pair: the better one; acr: one, 1-5",
    )
    parser.add_argument("--raters", type=int, required=True, help="sessions to plan, one a volunteer")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (default: %(default)s)")
    parser.add_argument("--out", required=True, metavar="DIR", help="the study's folder")
    parser.add_argument(
        "--recipe", default="report", help="how pictures are degraded: report or call (default: report)"
    )
    parser.add_argument("--pictures", type=int, metavar="N", help="take N of the pictures, each category alike")
    parser.add_argument(
        "--size", default="608x480", metavar="WxH", help="most that is shown of one (default: %(default)s)"
    )
    parser.add_argument("--clip-seconds", type=float, default=2, help="shown of a video (default: %(default)s)")
    parser.add_argument("--trials", type=int, help="tests in a session (default: 28, or as many as there are)")
    parser.add_argument("--training", type=int, default=5, help="training trials before them (default: %(default)s)")
    parser.add_argument("--traps", type=int, default=1, help="attention checks among them (default: %(default)s)")
    parser.add_argument("--gold", type=int, default=1, help="items of known answer among them (default: %(default)s)")


def run(args):
    from pathlib import Path

    from distill.stimuli import StimulusSettings, render_stimuli
    from engine.errors import BadOutput
    from engine.images import printable
    from mos_study.output import write_whole
    from mos_study.plan import Settings, checked_settings, make_plan
    from mos_study.plan_file import plan_json

    words = tuple(word.strip() for word in args.conditions.split(",") if word.strip())
    names = tuple(word.partition("=")[0] for word in words)
    settings = checked_settings(
        Settings(args.method, names, args.raters, args.seed, args.trials, args.training, args.traps, args.gold)
    )
    out = Path(args.out)
    if (out / "plan.json").exists():
        raise BadOutput(f"{out} holds a study already, with answers perhaps; choose another folder")
    rendering = StimulusSettings(words, args.recipe, _size(args.size), args.pictures, args.seed, args.clip_seconds)
    manifest = render_stimuli(args.sources, out, rendering, shlex.join(["python", "launch.py", *sys.argv[1:]]))
    plan = make_plan(manifest, settings)
    write_whole(out / "plan.json", plan_json(plan).encode())
    for line in manifest["left_out"]:
        print(f"left out: {printable(line).encode('ascii', 'replace').decode()}")  # files may be called anything
    print("\n".join(_lines(plan)))
    print(f"written to {out}; `python launch.py study serve {shlex.quote(args.out)}` starts it")
    return 0


def _size(text):
    """(height, width) of "608x480"."""
    import re

    from engine.errors import BadSetting

    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if not found or min(int(found[1]), int(found[2])) < 64:
        raise BadSetting(f"--size must be WIDTHxHEIGHT of 64 or more each, such as 608x480, not {text!r}")
    return int(found[2]), int(found[1])


def _lines(plan):
    """The plan in numbers, for people."""
    settings = plan.settings
    tests = [trial for session in plan.sessions for trial in session.trials if trial.kind == "test"]
    contents = {trial.content for trial in tests}
    conditions = len(settings.conditions)
    options = conditions if settings.method == "acr" else conditions * (conditions - 1) // 2
    what = "condition" if settings.method == "acr" else "pair of conditions"
    yield (
        f"{settings.raters} sessions of {len(plan.sessions[0].trials)} trials: {settings.training} training, "
        f"{settings.trials} tests, {settings.traps} traps, {settings.gold} gold"
    )
    each = len(tests) / options
    of_picture = each / len(contents)
    yield f"each {what} is rated {each:.1f} times, on each of the {len(contents)} tested pictures {of_picture:.1f}"
