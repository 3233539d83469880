"""The study's real server: two tabs, double clicks, forged requests, a kill in the middle, what its traffic tells."""

import csv
import io
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.webui.study_process import PASSWORD, SCREEN, StudyProcess, Volunteer, running_study, write_study


@pytest.fixture(scope="module")
def study():
    """(process, plan), shared by tests that each take sessions of their own."""
    with running_study(raters=60, training=2) as running:
        yield running


@pytest.fixture
def volunteer(study):
    with Volunteer(study[0].address, study[0].token) as one:
        yield one


def leader(process, path, password=PASSWORD):
    auth = None if password is None else ("anybody", password)
    return httpx.get(process.address + path, auth=auth, trust_env=False, timeout=30)


def rows_of(process, rater):
    """The rows of ratings.csv of one volunteer."""
    table = csv.DictReader(io.StringIO(leader(process, "/leader/ratings.csv").text))
    return [row for row in table if row["rater"] == rater]


def newest_rater(process):
    return leader(process, "/leader/progress.json").json()["sessions"][-1]["rater"]


def test_a_session_goes_through_its_states_and_its_rows_are_in_the_table(study, volunteer):
    process, plan = study
    assert volunteer.state()["step"] == "consent"
    state = volunteer.begin()
    assert state["step"] == "training"
    rater = newest_rater(process)
    steps = []
    while state["step"] != "done":
        steps.append(state["step"])
        state = volunteer.step(state, score=5, other_score=1)
    assert steps == ["training"] * 2 + ["trials"] * (len(steps) - 2)
    rows = rows_of(process, rater)
    assert [int(row["trial"]) for row in rows] == list(range(len(steps)))
    assert {(row["score"], row["other_score"]) for row in rows} == {("5", "1")}


def test_two_tabs_of_one_volunteer_are_one_session(study, volunteer):
    state = volunteer.begin()
    with Volunteer(study[0].address, volunteer.token) as second_tab:
        assert second_tab.state()["next"] == state["next"]
        second_tab.look(state)
        first = volunteer.rate(0, score=5).json()
        second = second_tab.rate(0, score=1).json()
        assert first["answered"] == second["answered"] == 1
    assert [row["score"] for row in rows_of(study[0], newest_rater(study[0]))] == ["5"]


def test_a_double_click_is_one_answer(study, volunteer):
    state = volunteer.begin()
    volunteer.look(state)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: volunteer.rate(0, score=3).json()["answered"], range(8)))
    assert answers == [1] * 8
    assert len(rows_of(study[0], newest_rater(study[0]))) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"trial": 999}, 422, "unknown_trial"),
        ({"trial": -1}, 422, "unknown_trial"),
        ({"trial": 1}, 409, "not_yet"),
        ({"score": 6}, 422, "bad_score"),
        ({"score": "5"}, 422, "bad_score"),
        ({"comment": "x" * 501}, 422, "bad_comment"),
        ({"response_ms": -1}, 422, "bad_time"),
    ],
)
def test_a_forged_answer_is_refused_and_leaves_no_row(study, volunteer, changes, status, code):
    volunteer.look(volunteer.begin())
    answer = volunteer.rate(**{"trial": 0, **changes})
    assert (answer.status_code, answer.json()) == (status, {"refused": code})
    assert volunteer.state()["answered"] == 0


def test_an_answer_before_the_pictures_were_shown_is_refused(volunteer):
    state = volunteer.begin()
    assert volunteer.rate(0).json() == {"refused": "not_shown"}
    volunteer.get(f"picture/{state['next'][0]['pictures'][0]}").raise_for_status()
    assert volunteer.rate(0).json() == {"refused": "not_shown"}  # one of two
    volunteer.look(state)
    assert volunteer.rate(0).json()["answered"] == 1


def test_an_answer_before_consent_and_check_is_refused(volunteer):
    assert volunteer.rate(0).json() == {"refused": "unknown_link"}
    volunteer.token = volunteer.post("consent", {}).json()["token"]
    assert volunteer.rate(0).json() == {"refused": "not_yet"}


def test_another_sessions_token_gives_none_of_this_ones_pictures_or_answers(study, volunteer):
    mine = volunteer.begin()
    with Volunteer(study[0].address, study[0].token) as other:
        theirs = other.begin()
        other.look(theirs)
        for name in mine["next"][0]["pictures"]:
            assert other.get(f"picture/{name}").json() == {"refused": "no_picture"}
        other.rate(0)
    assert volunteer.state()["answered"] == 0
    assert volunteer.rate(0).json() == {"refused": "not_shown"}
    for token in ("", "x", "../../plan.json", "' OR 1=1 --"):
        with Volunteer(study[0].address, token) as stranger:
            assert stranger.get("state").status_code == 404


def test_only_the_pictures_at_hand_and_the_next_are_sent(study, volunteer):
    state = volunteer.begin()
    later = volunteer.look(state, ahead=1)
    assert len(later) == 2
    names = [name for trial in state["next"] for name in trial["pictures"]]
    assert len(state["next"]) == 2 and len(set(names)) == 4
    volunteer.step(state)
    assert volunteer.get(f"picture/{names[0]}").status_code == 404  # over


def test_words_in_a_comment_harm_neither_database_nor_spreadsheet(study, volunteer):
    volunteer.look(volunteer.begin())
    words = "=1+1'); DROP TABLE ratings; --"
    assert volunteer.rate(0, comment=words).status_code == 200
    (row,) = rows_of(study[0], newest_rater(study[0]))
    assert row["comment"] == "'" + words


def test_who_withdraws_is_gone_and_the_others_stay(study, volunteer):
    process, _ = study
    volunteer.finish(volunteer.begin())
    rater = newest_rater(process)
    before = leader(process, "/leader/progress.json").json()
    assert volunteer.post("withdraw", {}).json() == {"step": "withdrawn"}
    after = leader(process, "/leader/progress.json").json()
    assert rows_of(process, rater) == []
    assert after["withdrawn"] == before["withdrawn"] + 1 and after["began"] == before["began"] - 1
    assert volunteer.get("state").status_code == 404


def test_results_are_told_after_the_end_and_not_before(volunteer):
    state = volunteer.begin()
    assert volunteer.get("results").json() == {"refused": "not_yet"}
    volunteer.finish(state)
    assert set(volunteer.get("results").json()["results"]) == {"degraded", "small", "clean"}


def test_nothing_that_is_sent_during_a_session_tells_a_condition(study, volunteer):
    """Not by a word, by the size of a picture, by a header that differs, or by the same name for the same picture."""
    _, plan = study
    told = {"degraded", "small", "clean", "anchor", "gold", "trap", *plan.files, *plan.files.values()}
    told |= {trial.content for session in plan.sessions for trial in session.trials}
    state, names, headers, sizes = volunteer.begin(), [], set(), set()
    while state["step"] != "done":
        text = str(state)
        assert not [word for word in told if re.search(rf"\b{re.escape(word)}\b", text)]
        for name in state["next"][0]["pictures"]:
            picture = volunteer.get(f"picture/{name}")
            names.append(name)
            sizes.add(len(picture.content))
            headers.add(tuple(sorted((k, v) for k, v in picture.headers.items() if k != "date")))
        state = volunteer.rate(state["answered"]).json()
    assert len(names) == len(set(names)) and len(sizes) == 1 and len(headers) == 1
    kept = dict(headers.pop())
    assert kept["cache-control"] == "no-store" and not {"etag", "last-modified", "accept-ranges"} & kept.keys()


def test_every_page_forbids_what_it_does_not_need(study):
    process, _ = study
    for path in (f"/s/{process.token}", "/static/study.js", "/static/strings.js", "/api/state", "/nowhere"):
        headers = httpx.get(process.address + path, trust_env=False).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
    page = httpx.get(f"{process.address}/s/{process.token}", trust_env=False).text
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_another_site_may_not_answer_for_a_volunteer(study, volunteer, headers, status):
    volunteer.look(volunteer.begin())
    content = b'{"trial": 0, "score": 5, "other_score": 5, "response_ms": 1}'
    sent = {"X-Session": volunteer.token, "Content-Type": "application/json", **headers}
    assert httpx.post(f"{study[0].address}/api/answer", content=content, headers=sent).status_code == status
    assert volunteer.state()["answered"] == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 9000, b"\xff\xfe", b'{"a":"' + b"x" * 20_000 + b'"}'])
def test_a_body_that_is_no_answer_is_refused(study, volunteer, content):
    volunteer.begin()
    sent = {"X-Session": volunteer.token, "Content-Type": "application/json"}
    answer = httpx.post(f"{study[0].address}/api/answer", content=content, headers=sent)
    assert answer.status_code in (400, 413)


def test_the_leader_needs_the_password_and_sees_progress(study, volunteer):
    process, _ = study
    volunteer.step(volunteer.begin())
    for path in ("/leader", "/leader/progress.json", "/leader/ratings.csv", "/leader/sessions.csv"):
        assert leader(process, path, None).status_code == 401
        assert leader(process, path).status_code == 200
    assert leader(process, "/leader", "a guess").status_code == 401
    seen = leader(process, "/leader/progress.json").json()
    assert seen["answers"] >= 1 and seen["sessions"][-1]["answered"] == 1
    assert "score" not in str(seen)
    assert seen["links"] == [{"number": 0, "path": f"/s/{process.token}"}]
    assert "bars_seen" in leader(process, "/leader/sessions.csv").text


def test_a_killed_server_has_every_acknowledged_answer_and_every_session_goes_on(tmp_path):
    folder = tmp_path / "study"
    plan = write_study(folder, raters=4, training=2)
    first = StudyProcess(folder).wait_until_ready()
    acknowledged, volunteers = {}, [Volunteer(first.address, first.token) for _ in range(4)]
    try:
        for number, one in enumerate(volunteers):
            state = one.begin()
            for _ in range(3 + number):
                state = one.step(state, score=number + 1)
            acknowledged[one.token] = state["answered"]
            one.look(state)  # at the next trial, and not yet answered
    finally:
        first.stop(signal.SIGKILL)
    second = StudyProcess(folder).wait_until_ready()
    try:
        assert second.token == first.token
        for one in volunteers:
            with Volunteer(second.address, one.token) as again:
                state = again.state()
                assert state["answered"] == acknowledged[one.token]
                # the page sends the answer that waited; the server that is new asks for the pictures first
                assert again.rate(state["answered"]).json() == {"refused": "not_shown"}
                assert again.finish(state)["step"] == "done"
            one.http.close()
    finally:
        assert second.stop() == 0
    scores = {}
    for row in csv.DictReader(io.StringIO((folder / "ratings.csv").read_text())):
        scores.setdefault(row["session"], []).append(row["score"])
    for number, given in enumerate(sorted(scores.values())):
        before = 3 + number  # answers, each the score number + 1; after the kill all gave 4
        assert given == [str(number + 1)] * before + ["4"] * (len(plan.sessions[0].trials) - before)


def test_invites_begin_one_session_each_and_the_shared_link_is_closed():
    with running_study(None, "--invites", "2", "--max-raters", "2") as (process, _plan):
        assert process.token is None
        paths = [link["path"] for link in leader(process, "/leader/progress.json").json()["links"]]
        assert len(paths) == 2
        for path in paths:
            token = path.removeprefix("/s/")
            with Volunteer(process.address, token) as invited, Volunteer(process.address, token) as again:
                invited.begin()
                assert invited.token == token and again.state()["step"] == "training"


def test_a_full_study_says_so():
    with (
        running_study(None, "--max-raters", "1") as (process, _plan),
        Volunteer(process.address, process.token) as one,
        Volunteer(process.address, process.token) as two,
    ):
        one.begin()
        assert two.post("consent", {}).json() == {"refused": "full"}


def test_the_screen_check_is_kept_once_and_checked(volunteer):
    volunteer.token = volunteer.post("consent", {}).json()["token"]
    assert volunteer.post("check", {**SCREEN, "width": "wide"}).json() == {"refused": "bad_check"}
    assert volunteer.post("check", SCREEN).json()["step"] == "training"
