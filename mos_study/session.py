"""One volunteer's session as states: consent -> check -> training -> trials -> done; it stores and shows nothing."""

import math
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

STEPS = ("consent", "check", "training", "trials", "done")
SCORES = {"ab": (1, 5), "acr": (1, 5), "ccr": (-3, 3), "pair": (0, 1)}  # method: (least, most)
LONGEST_COMMENT = 500  # characters
_DAY_MS = 86_400_000


class Refused(Exception):
    """What a visitor may not do now. code: a word that the page has a sentence for."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Progress:
    """What is recorded of a session. answered: trials 0 to answered - 1 have their answer."""

    joined: bool = False
    checked: bool = False
    answered: int = 0


@dataclass(frozen=True)
class Answer:
    """One answer, checked. response_ms: from when the pictures were seen to the click, which was age_ms ago."""

    trial: int
    score: int
    other_score: int | None  # of method ab
    response_ms: int
    age_ms: int
    comment: str


def step(planned, progress):
    """One of STEPS. planned: a mos_study.plan.PlannedSession."""
    if not progress.joined:
        return "consent"
    if not progress.checked:
        return "check"
    if progress.answered >= len(planned.trials):
        return "done"
    return "training" if planned.trials[progress.answered].kind == "training" else "trials"


def visible(planned, progress, trial):
    """Whether a trial's pictures may be sent: those at hand and the next ones, which the page loads ahead."""
    return step(planned, progress) in ("training", "trials") and trial in (progress.answered, progress.answered + 1)


def checked_answer(planned, method, progress, content, was_shown):
    """The Answer in a dict that came from outside, or None when that trial has its answer already.

    was_shown(trial): whether its pictures were sent to this session. Raises Refused.
    """
    trial = _whole(content.get("trial"), 0, len(planned.trials) - 1, "unknown_trial")
    if step(planned, progress) not in ("training", "trials", "done"):
        raise Refused("not_yet")
    if trial < progress.answered:
        return None
    if trial > progress.answered:
        raise Refused("not_yet")
    if not was_shown(trial):
        raise Refused("not_shown")
    other_score = content.get("other_score")
    if method == "ab":
        other_score = _whole(other_score, *SCORES["ab"], "bad_score")
    elif other_score is not None:
        raise Refused("bad_score")
    comment = content.get("comment", "")
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT:
        raise Refused("bad_comment")
    return Answer(
        trial=trial,
        score=_whole(content.get("score"), *SCORES[method], "bad_score"),
        other_score=other_score,
        response_ms=_whole(content.get("response_ms"), 0, _DAY_MS, "bad_time"),
        age_ms=_whole(content.get("age_ms", 0), 0, 30 * _DAY_MS, "bad_time"),
        comment="".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in comment).strip(),
    )


_CHECK_RANGES = {"width": 100_000, "height": 100_000, "density": 16, "needed": 100_000, "bars": 100}


def checked_screen(content):
    """What the screen check found, as plain numbers and words. Raises Refused."""
    found = {}
    for name, most in _CHECK_RANGES.items():
        value = content.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused("bad_check")
        if not 0 <= value <= most:
            raise Refused("bad_check")
        found[name] = value
    plates = content.get("plates")
    if not isinstance(plates, list) or len(plates) > 10 or not all(isinstance(one, str) for one in plates):
        raise Refused("bad_check")
    return found | {"plates": [one[:4] for one in plates]}


def own_results(planned, method, answers):
    """{condition: mean} of one volunteer's tests, best first: of scores (ab, acr), of preferences in -3..3 or 0..1.

    answers: {trial: (score, other_score)}.
    """
    given = defaultdict(list)
    for number, trial in enumerate(planned.trials):
        if trial.kind != "test" or number not in answers:
            continue
        score, other_score = answers[number]
        given[trial.condition].append(score)
        if method != "acr":
            given[trial.other_condition].append({"ab": other_score, "ccr": -score, "pair": 1 - score}[method])
    means = {condition: round(sum(scores) / len(scores), 2) for condition, scores in given.items()}
    return dict(sorted(means.items(), key=lambda entry: (-entry[1], entry[0])))


def _whole(value, low, high, code):
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused(code)
    return value
