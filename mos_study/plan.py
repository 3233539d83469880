"""A study's plan: all of its randomness, drawn from one seed before the first volunteer comes.

A session is training trials over the whole range, then tests in a balanced design (mos_study.design), with traps and
gold items among them. Traps ask in words for a certain answer; gold items compare the clean picture with the anchor,
a version that nobody takes for the better one (acr: show one of the two).
"""

import random
from collections import Counter
from dataclasses import dataclass, replace

from mos_study.design import deal, paired
from mos_study.errors import BadStudy
from mos_study.order import spread

METHODS = ("ab", "ccr", "pair", "acr")
CLEAN, ANCHOR = "clean", "anchor"  # the hidden reference, and the worst of the range
TEST_TRIALS = 28  # with a trap and a gold item a session of 30
_RESERVE_FROM = 8  # pictures; a study with as many keeps two for training, traps and gold alone
_TRAP_ANSWERS = {"ab": (1, 2, 4, 5), "acr": (1, 2, 4, 5), "ccr": (-3, -2, 2, 3), "pair": (0, 1)}
_GOLD_ANSWERS = {"ab": (5, 1), "acr": (5, 1), "ccr": (3, -3), "pair": (1, 0)}  # clean on the left, anchor on the left
_LIMITS = {"raters": (1, 10_000), "trials": (1, 1000), "training": (0, 9), "traps": (0, 5), "gold": (0, 5)}
_PLATE_DIGITS = (2, 3, 5, 6, 7, 8, 9)  # 1, 4 and 0 are told apart least well as dots


@dataclass(frozen=True)
class Settings:
    """What a leader chooses. conditions: what is compared; trials: tests of one session, None for as many as fit."""

    method: str
    conditions: tuple[str, ...]
    raters: int
    seed: int
    trials: int | None = None
    training: int = 5
    traps: int = 1
    gold: int = 1


@dataclass(frozen=True)
class Trial:
    """What is shown at once; the fields are those of ratings.csv. For acr `other` and `other_condition` are ""."""

    kind: str  # training, test, trap or gold
    content: str
    category: str
    stimulus: str
    condition: str
    other: str = ""
    other_condition: str = ""
    expected: int | None = None  # score of a trap or gold item


@dataclass(frozen=True)
class PlannedSession:
    """The trials of one volunteer in their order, and the digits on the colour plates of the screen check."""

    trials: tuple[Trial, ...]
    plates: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """All that is shown to anybody. files: stimulus -> its file in the study's folder; sizes: -> (height, width)."""

    settings: Settings
    sessions: tuple[PlannedSession, ...]
    files: dict
    sizes: dict


def make_plan(manifest, settings):
    """The Plan of a manifest: its `stimuli`, dicts of stimulus, content, category, condition, file, height, width.

    Every content must be there in every condition, as CLEAN and as ANCHOR. Raises BadStudy.
    """
    settings = checked_settings(settings)
    found = {(one["content"], one["condition"]): one for one in manifest["stimuli"]}
    contents = list(dict.fromkeys(one["content"] for one in manifest["stimuli"]))
    for content in contents:
        for condition in (*settings.conditions, CLEAN, ANCHOR):
            if (content, condition) not in found:
                raise BadStudy(f"the stimuli lack {content!r} as {condition!r}; render them again with `study plan`")
    if len(contents) < 2:
        raise BadStudy("a study needs two pictures or more, because none is shown twice in a row; give more --sources")

    rng = random.Random(f"whetstone study {settings.seed}")
    rng.shuffle(contents)
    kept = contents[:2] if len(contents) >= _RESERVE_FROM else []
    tested = contents[len(kept) :]
    conditions = rng.sample(settings.conditions, len(settings.conditions))
    if settings.method == "acr":
        options = [(condition, None) for condition in conditions]
    else:
        options = paired(conditions)
    fitting = len(tested) * len(options)
    settings = replace(settings, trials=min(settings.trials or TEST_TRIALS, fitting))
    items = deal(tested, options, settings.raters * settings.trials)

    def trial(kind, content, left, right, expected=None):
        one, other = found[content, left], found.get((content, right))
        return Trial(
            kind, content, one["category"], one["stimulus"], left,
            other["stimulus"] if other else "", right or "", expected,
        )  # fmt: skip

    sessions = []
    for number in range(settings.raters):
        rng = random.Random(f"whetstone study {settings.seed} session {number}")
        mine = items[number * settings.trials : (number + 1) * settings.trials]
        tests = [trial("test", item.content, item.left, item.right) for item in mine]
        shown = Counter(dict.fromkeys(kept or tested, 0))
        shown.update(item.content for item in mine if not kept)
        for content, left, right, kind, expected in _checks(settings, conditions, shown, rng):
            tests.append(trial(kind, content, left, right, expected))
        training = [trial("training", *given) for given in _training(settings, conditions, shown, rng)]
        last = training[-1].content if training else None
        ordered = spread(tests, rng, lambda one: one.content, previous=last)
        plates = tuple(10 * digits[0] + digits[1] for digits in (rng.sample(_PLATE_DIGITS, 2) for _ in range(3)))
        sessions.append(PlannedSession((*training, *ordered), plates))
    files = {one["stimulus"]: one["file"] for one in manifest["stimuli"]}
    sizes = {one["stimulus"]: (one["height"], one["width"]) for one in manifest["stimuli"]}
    return Plan(settings, tuple(sessions), files, sizes)


def checked_settings(settings):
    """The settings, if a plan can be made of them. Raises BadStudy."""
    if settings.method not in METHODS:
        raise BadStudy(f"method {settings.method!r} is not one of {', '.join(METHODS)}")
    least = 1 if settings.method == "acr" else 2
    if len(set(settings.conditions)) < max(least, len(settings.conditions)):
        raise BadStudy(f"--conditions must name {least} or more, each once, not {','.join(settings.conditions)!r}")
    if settings.method == "acr" and CLEAN not in settings.conditions:
        raise BadStudy(f"method acr needs the hidden reference among --conditions: add {CLEAN}")
    for name, (low, high) in _LIMITS.items():
        value = getattr(settings, name)
        if value is not None and not low <= value <= high:
            raise BadStudy(f"--{name} must be from {low} to {high}, not {value}")
    return settings


def _checks(settings, conditions, shown, rng):
    """(content, left, right, kind, expected) of traps and gold; each takes the content that was shown least."""
    for kind in ["trap"] * settings.traps + ["gold"] * settings.gold:
        content = _least_shown(shown, rng)
        if kind == "trap":
            left, right = rng.sample(conditions, 2) if settings.method != "acr" else (rng.choice(conditions), None)
            expected = rng.choice(_TRAP_ANSWERS[settings.method])
        else:
            side = rng.randrange(2)
            left, right = ((CLEAN, ANCHOR), (ANCHOR, CLEAN))[side]
            right = None if settings.method == "acr" else right
            expected = _GOLD_ANSWERS[settings.method][side]
        yield content, left, right, kind, expected


def _training(settings, conditions, shown, rng):
    """(content, left, right) that span the range: best and worst first, then the conditions, as many as there is room.

    The last content is the one shown least, so that the tests can begin with another.
    """
    if settings.method == "acr":
        rest = rng.sample(conditions, len(conditions))
        options = [(ANCHOR, None), (CLEAN, None)] + [(one, None) for one in rest if one != CLEAN]
    else:
        pairs = paired(conditions)
        rest = [(rng.choice(conditions), ANCHOR), *rng.sample(pairs, len(pairs))]
        options = [rng.sample(pair, 2) for pair in ((CLEAN, ANCHOR), *rest)]
    last = _least_shown(shown, rng)
    another = rng.choice([content for content in shown if content != last])
    for place in range(settings.training):
        left, right = options[place % len(options)]
        yield (last, another)[(settings.training - 1 - place) % 2], left, right


def _least_shown(shown, rng):
    least = min(shown.values())
    content = rng.choice([content for content, number in shown.items() if number == least])
    shown[content] += 1
    return content
