"""The only entry of Whetstone: `python launch.py COMMAND ...` prepares the environment once, then runs one command.

This file keeps to the syntax that every Python understands (no f-strings, no type hints), so that an old one can still
read it as far as the sentence that tells its user which version is needed. The environment itself is environment.py.
"""

import argparse
import contextlib
import errno
import os
import sys

OLDEST, NEWEST = (3, 10), (3, 13)  # the Pythons that Whetstone is tested with

# command: (its module, what it needs installed). A module has HELP, add_arguments(parser) and run(args) -> exit status,
# and imports only the standard library at its top, so that --help works in an empty interpreter. One that says
# PASSES_ON = True gets the words that it does not know as args.passed_on. A name may be two words (`study report`).
COMMANDS = {
    "app": ("webui.commands.app", ("base",)),
    "sharpen": ("engine.commands.sharpen", ("base",)),
    "batch": ("engine.commands.batch", ("base", "batch")),
    "camera": ("engine.commands.camera", ("base",)),
    "train": ("distill.commands.train", ("base", "torch")),
    "data": ("distill.commands.data", ("base",)),
    "ablate": ("distill.commands.ablate", ("base", "torch")),
    "figures": ("distill.commands.figures", ("base", "torch")),
    "evaluate": ("distill.commands.evaluate", ("base", "torch")),
    "export": ("engine.commands.export", ("base",)),
    "space": ("webui.commands.space", ("base",)),
    "benchmark": ("engine.commands.benchmark", ("base",)),
    "study plan": ("study_plan", ("base", "study")),
    "study serve": ("webui.commands.study_serve", ("base", "study")),
    "study export": ("mos_study.commands.export", ("base", "study")),
    "study report": ("mos_study.commands.report", ("base", "study")),
    "study analyse": ("mos_study.commands.analyse", ("base", "study")),
    "dashboard": ("webui.commands.dashboard", ("base", "study", "dashboard")),
    "doctor": ("engine.commands.doctor", ("base",)),
    "docs": ("reference.build", ("base", "study", "dashboard", "batch", "torch", "dev")),
    "licences": ("engine.commands.licences", ("base",)),
    "test": ("tests.run", ("base", "study", "dashboard", "batch", "torch", "dev")),
}
DEFAULT = "app"


def check_python(version):
    """Exit with status 2 and one line when the interpreter (a version tuple) is too old."""
    if tuple(version[:2]) < OLDEST:
        sys.stderr.write(
            "whetstone: Python %d.%d to %d.%d is needed, this is %d.%d; install Python %d.%d "
            "and start again with it\n" % (OLDEST + NEWEST + tuple(version[:2]) + NEWEST)
        )
        sys.exit(2)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line. words: what it is given."""

    words = ()

    def error(self, message):
        for word in self.words:
            if word.startswith("-") and os.path.lexists(word):
                message = "{} is taken for an option; the file of that name is {}".format(
                    word, os.path.join(os.curdir, word)
                )
        self.exit(2, "whetstone: {}; `{} --help` lists the options\n".format(message, self.prog))


def parse(argv):
    """The command's name, its module and its parsed arguments; without a command, the page (app)."""
    from importlib import import_module

    from engine.errors import WhetstoneError

    words = command_words(argv)
    name, rest = " ".join(words) or DEFAULT, argv[len(words) :]
    group = [one for one in COMMANDS if one.startswith(name + " ")]
    if group and (not rest or "-h" in rest or "--help" in rest):  # `study`: the first of two words
        sys.stdout.write(overview(group) + "\n")
        sys.exit(0)
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        raise WhetstoneError("no command {!r}; the commands are {}; a picture goes to `sharpen`".format(name, known))
    module = import_module(COMMANDS[name][0])
    named = bool(words)
    asked = not named and ("-h" in rest or "--help" in rest)
    parser = Parser(
        prog="python launch.py " + name if named else "python launch.py",
        description=module.HELP,
        epilog=overview() if asked else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.words = rest
    module.add_arguments(parser)
    ours = parser.add_argument_group("installation (once, into .venv beside launch.py or where WHETSTONE_VENV says)")
    ours.add_argument("--skip-install", action="store_true", help="install nothing, run with what is there")
    ours.add_argument(
        "--torch",
        action=argparse.BooleanOptionalAction,
        default="torch" in COMMANDS[name][1],
        help="with or without requirements-torch.txt: training, and sharpening on a GPU (here by default: %(default)s)",
    )
    args, unknown = parser.parse_known_args(rest)
    args.passed_on = unknown
    if args.passed_on and not getattr(module, "PASSES_ON", False):
        parser.error("unknown arguments: " + " ".join(args.passed_on))
    return name, module, args


def command_words(argv):
    """The words at the start of a command line that name its command: none, one or two."""
    if not argv or argv[0].startswith("-"):
        return []
    if len(argv) > 1 and not argv[1].startswith("-") and any(name.startswith(argv[0] + " ") for name in COMMANDS):
        return argv[:2]
    return argv[:1]


def overview(names=tuple(COMMANDS)):
    """The commands of these names, one line each."""
    from importlib import import_module

    lines = ["  {:<13} {}".format(name, import_module(COMMANDS[name][0]).HELP) for name in names]
    return "\n".join(["commands, each with its own --help:"] + lines)


def main(argv):
    """Run one command; the exit status: 0 done, 2 the user can fix it, 130 Ctrl-C, 141 nobody reads; 1 our fault."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us (`2>&-`)
            setattr(sys, name, open(os.devnull, "w", errors="replace"))  # noqa: SIM115
    check_python(sys.version_info)
    from engine.errors import WhetstoneError
    from mos_study.errors import StudyError

    try:
        try:
            return run(argv)
        finally:
            sys.stdout.flush()  # a reader that has gone and a full disk are met here, not at exit
    except BrokenPipeError:  # whoever reads standard output (head, less) has gone
        give_up_streams()
        return 141
    except (WhetstoneError, StudyError) as error:
        return stop(error, 2)
    except KeyboardInterrupt:
        return stop("stopped", 130, start="\n")
    except RuntimeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python before 3.12 wraps it where a class is being made
            return stop("stopped", 130, start="\n")
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        place = error.filename or "standard output or the place of the results"
        return stop("the disk of {} is full; free some space and start again".format(place), 2)


def run(argv):
    """Prepare the environment and run the command; its exit status."""
    name, module, args = parse(argv)
    from environment import prepare

    layers = [layer for layer in COMMANDS[name][1] if layer != "torch"] + ["torch"] * args.torch
    prepare(layers, skip_install=args.skip_install)
    return module.run(args)


def stop(reason, status, start=""):
    """Say why in one line where that can be read; the exit status."""
    with contextlib.suppress(OSError):
        sys.stderr.write("{}whetstone: {}\n".format(start, reason))
    give_up_streams()
    return status


def give_up_streams():
    """Point streams that cannot be written to nowhere, so that the flush at exit is quiet."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
