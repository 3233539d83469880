"""`python launch.py doctor`: prints what this machine has for Whetstone, and the exact fix for what lacks."""

import json
from dataclasses import asdict

HELP = "tell what this machine has (devices, engines, models), and the exact fix for what is missing"
SIGNS = {"ok": "ok", "note": "--", "problem": "!!"}


def add_arguments(parser):
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args):
    """0 when everything works (there may be notes), 2 when something will not."""
    from engine.doctor import examine

    findings = examine()
    if args.json:
        print(json.dumps({topic: [asdict(finding) for finding in rows] for topic, rows in findings.items()}, indent=2))
    else:
        print(as_text(findings))
    return 2 if any(finding.status == "problem" for rows in findings.values() for finding in rows) else 0


def as_text(findings):
    """The findings as a person reads them: topic, sign, text, and the fix on a line of its own."""
    lines = []
    for topic, rows in findings.items():
        for number, finding in enumerate(rows):
            lines.append(f"{topic if number == 0 else '':<13} {SIGNS[finding.status]}  {finding.text}")
            if finding.fix:
                lines.append(f"{'':<13}     fix: {finding.fix}")
    lines += ["", "ok: works   --: works, could be better   !!: will not work"]
    return "\n".join(lines)
