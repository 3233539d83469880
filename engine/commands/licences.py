"""`python launch.py licences`: lists every installed package that Whetstone uses, with its licence."""

import json
from dataclasses import asdict

HELP = "list what is installed for Whetstone with its licence, and name what needs care"


def add_arguments(parser):
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(args):
    """Always 0: the list is for people to judge."""
    from engine.licences import licences

    rows, absent = licences()
    if args.json:
        print(json.dumps({"packages": [asdict(row) for row in rows], "not_installed": absent}, indent=2))
    else:
        print(as_text(rows, absent))
    return 0


def as_text(rows, absent):
    """The list as a person reads it: what needs care comes again at its end, with the reason."""
    names = max(len(row.name) for row in rows)
    versions = max(len(row.version) for row in rows)
    layers = max(len(row.layer) for row in rows)
    lines = [f"{row.name:<{names}}  {row.version:<{versions}}  {row.layer:<{layers}}  {row.licence}" for row in rows]
    lines += ["", f"{len(rows)} packages; these need care when they are passed on:"]
    lines += [f"  {row.name:<{names}}  {row.licence}: {row.care}" for row in rows if row.care]
    if absent:
        lines += ["", "not installed, and so not listed with what they need: " + ", ".join(absent)]
    return "\n".join(lines)
