"""Laws of the plan for any pictures, conditions, raters and methods: balance, order, the same from the same seed."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mos_study.errors import BadStudy
from mos_study.plan import ANCHOR, CLEAN, METHODS, Settings, make_plan
from mos_study.plan_file import plan_json, read_plan
from tests.mos_study.studies import manifest, plan_of

NAMES = ("clean", "degraded", "small", "nano", "unsharp", "report", "base", "cas")
studies = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "contents": st.integers(2, 23),
        "conditions": st.integers(2, len(NAMES)).map(lambda number: NAMES[:number]),
        "raters": st.integers(1, 40),
        "seed": st.integers(0, 2**32),
        "trials": st.none() | st.integers(1, 60),
        "training": st.integers(0, 9),
        "traps": st.integers(0, 3),
        "gold": st.integers(0, 3),
    }
)


def rated(plan):
    return [trial for session in plan.sessions for trial in session.trials if trial.kind == "test"]


def spread_of(counts, expected):
    """Largest minus smallest count over everything that could have come."""
    numbers = [counts[one] for one in expected]
    return max(numbers) - min(numbers)


@given(studies)
def test_every_option_and_every_item_comes_equally_often(study):
    plan = plan_of(**study)
    tests = rated(plan)
    assert len(tests) == study["raters"] * plan.settings.trials
    tested = {trial.content for trial in tests}
    if study["method"] == "acr":
        options = [(condition, "") for condition in study["conditions"]]
    else:
        options = list(combinations(sorted(study["conditions"]), 2))
    met = Counter(option(trial) for trial in tests)
    assert set(met) <= set(options) and spread_of(met, options) <= 1
    items = Counter((trial.content, *option(trial)) for trial in tests)
    assert spread_of(items, [(content, *one) for content in tested for one in options]) <= 1
    assert spread_of(Counter(trial.content for trial in tests), tested) <= 1


@given(studies)
def test_every_condition_comes_equally_often_and_on_both_sides(study):
    tests = rated(plan_of(**study))
    seen = Counter(trial.condition for trial in tests) + Counter(trial.other_condition for trial in tests)
    assert spread_of(seen, study["conditions"]) <= 3  # one round of pairs was begun
    if study["method"] == "acr":
        return
    left, right = Counter(trial.condition for trial in tests), Counter(trial.other_condition for trial in tests)
    assert all(abs(left[one] - right[one]) <= 2 for one in study["conditions"])
    sides = Counter((trial.condition, trial.other_condition) for trial in tests)
    assert all(abs(sides[one, other] - sides[other, one]) <= 1 for one, other in combinations(study["conditions"], 2))
    sides = Counter((trial.content, trial.condition, trial.other_condition) for trial in tests)
    assert all(abs(number - sides[content, other, one]) <= 1 for (content, one, other), number in sides.items())


@given(studies)
def test_no_content_comes_twice_in_a_row_and_no_item_twice_in_a_session(study):
    for session in plan_of(**study).sessions:
        contents = [trial.content for trial in session.trials]
        assert all(one != other for one, other in zip(contents, contents[1:]))
        items = Counter((trial.content, *option(trial)) for trial in session.trials if trial.kind == "test")
        assert max(items.values()) == 1


@given(studies)
def test_a_session_has_its_training_first_then_its_traps_and_gold_among_the_tests(study):
    for session in plan_of(**study).sessions:
        kinds = [trial.kind for trial in session.trials]
        assert kinds[: study["training"]] == ["training"] * study["training"]
        counts = Counter(kinds)
        assert [counts[kind] for kind in ("training", "trap", "gold")] == [
            study[kind] for kind in ("training", "traps", "gold")
        ]
        for trial in session.trials:
            assert (trial.expected is not None) == (trial.kind in ("trap", "gold"))
            assert bool(trial.other) == (study["method"] != "acr")
            if trial.kind == "gold":
                shown = {trial.condition, trial.other_condition} - {""}
                assert shown == {CLEAN, ANCHOR} or (study["method"] == "acr" and shown < {CLEAN, ANCHOR})
                high = {"ab": 5, "acr": 5, "ccr": 3, "pair": 1}[study["method"]]
                assert (trial.expected == high) == (trial.condition == CLEAN)


@given(studies)
def test_training_spans_the_range(study):
    plan = plan_of(**{**study, "training": 5})
    for session in plan.sessions:
        training = session.trials[:5]
        shown = {trial.condition for trial in training} | {trial.other_condition for trial in training}
        assert {CLEAN, ANCHOR} <= shown and shown & set(study["conditions"])


@given(studies)
def test_the_same_seed_gives_the_same_plan_and_the_file_keeps_it(study):
    plan = plan_of(**study)
    assert plan_of(**study) == plan
    assert read_plan(plan_json(plan)) == plan


def test_another_seed_gives_another_plan():
    assert plan_of(seed=1).sessions != plan_of(seed=2).sessions


def test_with_eight_pictures_training_traps_and_gold_have_two_of_their_own():
    plan = plan_of(contents=8, raters=9)
    tested = {trial.content for trial in rated(plan)}
    others = {trial.content for session in plan.sessions for trial in session.trials if trial.kind != "test"}
    assert len(tested) == 6 and len(others) == 2 and not tested & others


def test_acr_shows_the_hidden_reference_as_often_as_any_other():
    counts = Counter(trial.condition for trial in rated(plan_of("acr", contents=7, raters=12, trials=21)))
    assert counts == {"degraded": 84, "small": 84, "clean": 84}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"method": "mushra"}, "mushra"),
        ({"conditions": ("small",)}, "--conditions"),
        ({"conditions": ("small", "small")}, "--conditions"),
        ({"method": "acr", "conditions": ("small", "degraded")}, "clean"),
        ({"contents": 1}, "two pictures"),
        ({"raters": 0}, "--raters"),
        ({"traps": 6}, "--traps"),
    ],
)
def test_what_cannot_be_planned_is_said(changed, word):
    with pytest.raises(BadStudy, match=word):
        plan_of(**changed)


def test_a_content_without_one_of_the_conditions_is_named():
    with pytest.raises(BadStudy, match=r"'picture000' as 'nano'"):
        make_plan(manifest(), Settings("ab", ("small", "nano"), 2, 1))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', '{"format": 1, "settings": {}}'])
def test_a_damaged_plan_is_one_line(text):
    with pytest.raises(BadStudy):
        read_plan(text)


def option(trial):
    return tuple(sorted((trial.condition, trial.other_condition))) if trial.other else (trial.condition, "")
