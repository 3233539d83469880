"""`python launch.py test`: every test that this machine can run, and why the others were left out."""

import subprocess
import sys
from pathlib import Path

HELP = "run every test that this machine can run, and say which it could not and why"
PASSES_ON = True

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",))


def add_arguments(parser):
    parser.add_argument("--lint", action="store_true", help="first check style, format and types (ruff, mypy)")
    parser.epilog = "Other words go to pytest: `python launch.py test tests/engine -k strength`."


def run(args):
    """pytest's exit status, or 1 when a check of --lint complains."""
    wrong = [check for check in CHECKS if args.lint and not _passes(check)]
    if wrong:
        print(f"whetstone: {', '.join(' '.join(check) for check in wrong)}: see above", file=sys.stderr)
        return 1
    return subprocess.run([sys.executable, "-m", "pytest", *args.passed_on], cwd=ROOT, check=False).returncode


def _passes(check):
    print(f"== {' '.join(check)}", flush=True)
    return subprocess.run([sys.executable, "-m", *check], cwd=ROOT, check=False).returncode == 0
