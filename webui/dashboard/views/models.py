"""Models: the cards side by side."""

import pandas as pd
import streamlit as st

from webui.dashboard import parts
from webui.dashboard.model_cards import find_cards
from webui.dashboard.places import places


def show():
    """Draw the page; Streamlit runs it anew at every click."""
    st.title("Models", anchor=False)
    cards, problems = find_cards(places().models)
    parts.problems(problems)
    if not cards:
        parts.nothing(
            f"No card of a model is in {places().models}.", "python launch.py train --data DIR --out runs/nano"
        )
        return
    names = [card["name"] for card in cards]
    kept = st.multiselect("Models", names, default=names)
    chosen = [card for card in cards if card["name"] in kept]
    if chosen:
        table = pd.DataFrame(chosen).set_index("name").T.fillna("none")
        st.table(table)
    st.caption("Scores are of the best epoch of the last stage, on pictures of `val`.")
