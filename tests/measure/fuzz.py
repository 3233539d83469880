"""Fuzzes the doors for as long as one likes, with the properties that the tests check for a moment.

    python -m tests.measure.fuzz --minutes 60

Rounds of picture files, frames, messages of the Live tab and requests of the study, each from another seed, against the
real servers. What fails is printed as Hypothesis' example: it goes into the test as @example once it is mended.
"""

import argparse
import contextlib
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.engine.test_images_bad import damaged, picture_or_bad_image
from tests.threats import test_fuzz as doors
from tests.webui.page_process import running_page
from tests.webui.study_process import Volunteer, running_study


def properties(page, begun):
    """name -> (property, its strategies, examples in a round)."""
    return {
        "pictures": (picture_or_bad_image, (damaged(),), 300),
        "frames": (doors.live_frame, (damaged(doors.FRAME_FILES),), 500),
        "live": (lambda messages: doors.live_protocol(page, messages), (doors.MESSAGES,), 40),
        "study": (lambda *request: doors.study_request(*begun, *request), doors.REQUESTS, 150),
    }


def one_round(holds, strategies, examples, number):
    """Run a property on so many new examples; returns how many ran. Raises what it raises, on the smallest example."""
    ran = 0

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*strategies))
    def run(values):
        nonlocal ran
        ran += 1
        holds(*values)

    run()
    return ran


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first round (default: %(default)s)")
    args = parser.parse_args()
    ends_at, number, counts, found = time.monotonic() + 60 * args.minutes, args.seed, {}, set()
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(running_page())
        study, _plan = stack.enter_context(running_study(raters=200))
        volunteer = stack.enter_context(Volunteer(study.address, study.token))
        volunteer.look(volunteer.begin())
        doors_open = properties(page, (study, volunteer.token))
        while time.monotonic() < ends_at and len(found) < len(doors_open):
            for name, given_to in doors_open.items():
                if name in found or time.monotonic() > ends_at:
                    continue
                try:
                    counts[name] = counts.get(name, 0) + one_round(*given_to, number)
                except Exception:
                    found.add(name)
                    print(f"{name}, seed {number}:\n{traceback.format_exc()}", flush=True)
            number += 1
    ran = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(
        f"{args.minutes:g} minutes, {number - args.seed} rounds from seed {args.seed}: {ran}; {len(found)} doors failed"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
