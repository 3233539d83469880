"""Studies: MOS, preferences, progress and exclusions, for whoever knows the leader's password."""

import hmac
import threading
import time

import pandas as pd
import streamlit as st

from mos_study.errors import StudyError
from webui.charts import studies as charts
from webui.commands.dashboard import PASSWORD
from webui.dashboard import parts
from webui.dashboard.places import places
from webui.dashboard.study_tables import find_studies, last_answer, progress, subject, views

_LOOK_S = 5
_guessing = threading.Lock()  # one wrong answer a second, for all visitors together


def show():
    """Draw the page; Streamlit runs it anew at every click."""
    st.title("Studies", anchor=False)
    if places().studies is None and places().database is None:
        parts.nothing(
            "No folder of studies was named; they are shown behind a password that you choose.",
            f"{PASSWORD}=... python launch.py dashboard --studies DIR",
        )
        return
    if not places().password:
        st.info("Ratings are shown behind the study leader's password, and none was set.", icon=":material/lock:")
        where = places().studies or "postgresql://..."
        st.code(f"{PASSWORD}=... python launch.py dashboard --studies {where}", language="bash")
        return
    if not st.session_state.get("is leader"):
        _ask()
        return
    if places().database is not None:
        st.fragment(_running, run_every=_LOOK_S)(places().database)
        return
    found, problems = find_studies(places().studies)
    parts.problems(problems)
    if not found:
        parts.nothing(f"No results of a study are below {places().studies}.", "python launch.py study report DIR")
        return
    names = [study.name for study in found]
    study = found[names.index(st.selectbox("Study", names) if len(names) > 1 else names[0])]
    _progress(study)
    _mos(study)
    _preferences(study)
    _raters(study)


def _running(database):
    """How far the study in a database is; alone in its fragment, so that it moves by itself."""
    try:
        now = database.progress()
    except StudyError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    st.subheader(f"Study {now.study}", anchor=False)
    numbers = {"volunteers": now.begun, "answers": now.answers, "withdrawn": now.withdrawn}
    for (name, number), cell in zip(numbers.items(), parts.grid(4)):
        cell.metric(name, f"{number:,}")
    if now.last_answer_at:
        st.caption(f"The last answer came at {now.last_answer_at[:16].replace('T', ' ')} (UTC).")
    if now.volunteers:
        st.dataframe(pd.DataFrame(now.volunteers), hide_index=True, placeholder="", alt="Volunteers and their answers")
    st.info("While a study runs nothing of what was answered is shown. When it has ended, these two do:")
    st.code(
        "python launch.py study export STUDY/ --database URL\npython launch.py study report STUDY/", language="bash"
    )


def _ask():
    with st.form("password"):
        given = st.text_input("The study leader's password", type="password")
        if not st.form_submit_button("Show the studies"):
            return
    if hmac.compare_digest(given.encode(), places().password.encode()):
        st.session_state["is leader"] = True
        st.rerun()
    with _guessing:
        time.sleep(1)
    st.error("That is not the password.")


def _progress(study):
    ratings = study.table("ratings")
    if ratings is None:
        return
    st.subheader("Progress", anchor=False)
    for (name, number), cell in zip(progress(ratings).items(), parts.grid(4)):
        cell.metric(name, f"{number:,}")
    if last := last_answer(ratings):
        st.caption(f"The last answer came at {last} (UTC).")


def _mos(study):
    table = study.table("mos")
    if table is None:
        return
    st.subheader("Mean opinion scores", anchor=False)
    by = subject(table)
    if "category" in table:
        names = list(dict.fromkeys(table["category"].fillna("").astype(str)))
        category = (
            st.selectbox("Category", names, format_func=lambda name: name or "all") if len(names) > 1 else names[0]
        )
        table = table[table["category"].fillna("").astype(str) == category]
    parts.chart(charts.opinions(views(table), by), f"mos {study.name}", "Mean opinion score with its interval")
    st.dataframe(table, hide_index=True, placeholder="", alt="Mean opinion scores")
    if "raters" not in table and "n" not in table:
        st.caption("The table does not say how many raters each score is of.")


def _preferences(study):
    table = study.table("pairs")
    if table is None:
        return
    st.subheader("Preferences", anchor=False)
    if {"item", "other", "share"} <= set(table.columns):
        parted = views(table)
        name = st.selectbox("Counted", list(parted)) if len(parted) > 1 else next(iter(parted))
        parts.chart(charts.preferences(parted[name]), f"pairs {study.name}", "Share in which each was preferred")
    st.dataframe(table, hide_index=True, placeholder="", alt="Preferences")


def _raters(study):
    table = study.table("raters")
    if table is None:
        return
    st.subheader("Raters and exclusions", anchor=False)
    if "excluded" in table:
        out = table["excluded"].fillna("").astype(str).str.strip().isin(("", "0", "False"))
        st.markdown(f"{int((~out).sum())} of {len(table)} raters are excluded by a rule.")
    st.dataframe(table, hide_index=True, placeholder="", alt="Raters, and why some are excluded")
