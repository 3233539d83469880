"""The states of a session and the door that answers pass: what is out of its turn or range is refused."""

import pytest

from mos_study.session import (
    LONGEST_COMMENT,
    Progress,
    Refused,
    checked_answer,
    checked_screen,
    own_results,
    step,
    visible,
)
from tests.mos_study.studies import plan_of

PLAN = plan_of("ab", training=2)
PLANNED = PLAN.sessions[0]
GOOD = {"trial": 3, "score": 4, "other_score": 2, "response_ms": 1200}
AT_3 = Progress(True, True, 3)


def answer(changes=None, progress=AT_3, method="ab", shown=True):
    return checked_answer(PLANNED, method, progress, {**GOOD, **(changes or {})}, lambda trial: shown)


def test_the_states_come_in_their_order():
    total = len(PLANNED.trials)
    path = [Progress(), Progress(True), Progress(True, True), AT_3, Progress(True, True, total)]
    assert [step(PLANNED, progress) for progress in path] == ["consent", "check", "training", "trials", "done"]


def test_an_answer_in_its_turn_is_taken():
    given = answer({"comment": "soft\x00 hair\n", "age_ms": 10})
    assert (given.trial, given.score, given.other_score, given.comment) == (3, 4, 2, "soft  hair")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"score": 6}, "bad_score"),
        ({"score": 0}, "bad_score"),
        ({"score": 4.0}, "bad_score"),
        ({"score": True}, "bad_score"),
        ({"score": "4"}, "bad_score"),
        ({"score": None}, "bad_score"),
        ({"other_score": None}, "bad_score"),
        ({"trial": 4}, "not_yet"),
        ({"trial": -1}, "unknown_trial"),
        ({"trial": 10_000}, "unknown_trial"),
        ({"trial": "3"}, "unknown_trial"),
        ({"response_ms": -1}, "bad_time"),
        ({"response_ms": 10**12}, "bad_time"),
        ({"age_ms": -5}, "bad_time"),
        ({"comment": "x" * (LONGEST_COMMENT + 1)}, "bad_comment"),
        ({"comment": {"$ne": 1}}, "bad_comment"),
    ],
)
def test_an_answer_that_is_none_is_refused(changes, code):
    with pytest.raises(Refused) as refused:
        answer(changes)
    assert refused.value.code == code


def test_an_answer_to_pictures_that_were_not_sent_is_refused():
    with pytest.raises(Refused, match="not_shown"):
        answer(shown=False)


@pytest.mark.parametrize("progress", [Progress(), Progress(True)])
def test_an_answer_before_consent_and_check_is_refused(progress):
    with pytest.raises(Refused, match="not_yet"):
        answer({"trial": 0}, progress)


def test_a_second_answer_is_nothing_whatever_it_says():
    assert answer({"trial": 2, "score": 99}) is None


@pytest.mark.parametrize(
    ("method", "good", "bad"), [("ccr", (-3, 3), (-4, 4)), ("pair", (0, 1), (-1, 2)), ("acr", (1, 5), (0, 6))]
)
def test_each_method_has_its_scale(method, good, bad):
    for score in good:
        assert answer({"score": score, "other_score": None}, method=method).score == score
    for score in bad:
        with pytest.raises(Refused, match="bad_score"):
            answer({"score": score, "other_score": None}, method=method)


def test_only_the_trial_at_hand_and_the_next_are_visible():
    assert [trial for trial in range(len(PLANNED.trials)) if visible(PLANNED, AT_3, trial)] == [3, 4]
    assert not visible(PLANNED, Progress(True), 0)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "9", None, True, 10**9])
def test_a_screen_that_cannot_be_is_refused(value):
    good = {"width": 1280, "height": 600, "density": 1.25, "needed": 1200, "bars": 7, "plates": ["27", "", "x" * 99]}
    assert checked_screen(good)["plates"] == ["27", "", "xxxx"]
    with pytest.raises(Refused, match="bad_check"):
        checked_screen({**good, "width": value})


def test_own_results_are_the_means_of_the_tests_alone():
    answers = dict.fromkeys(range(len(PLANNED.trials)), (5, 3))
    given = {}
    for trial in PLANNED.trials:
        if trial.kind == "test":
            given.setdefault(trial.condition, []).append(5)
            given.setdefault(trial.other_condition, []).append(3)
    assert own_results(PLANNED, "ab", answers) == {name: round(sum(all) / len(all), 2) for name, all in given.items()}
