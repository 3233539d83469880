"""Parts that every page uses: a chart, what could not be read, and what to do where there is nothing."""

import streamlit as st

from webui.dashboard.benchmarks import machine_of


def chart(figure, key, alt, *, picture="png", **more):
    """A Plotly figure over the width of its place. picture: the format of the camera button; alt: for screen readers.

    more: of st.plotly_chart. Returns the selection where on_select is given.
    """
    config = {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {"format": picture, "filename": key, "scale": 2 if picture == "png" else 1},
    }
    return st.plotly_chart(figure, key=key, alt=alt, config=config, **more)


def grid(columns):
    """Places one after the other, row by row, so that a phone shows them in this order."""
    while True:
        yield from st.columns(columns)


def problems(lines):
    """What could not be read or was left out, a line each; the rest of the page stands."""
    for line in lines[:5]:
        st.warning(line, icon=":material/warning:")
    if len(lines) > 5:
        with st.expander(f"{len(lines) - 5} more files that could not be read"):
            st.text("\n".join(lines[5:]))


def nothing(what, command):
    """An empty page: what would stand here, and the command that brings it."""
    st.info(f"{what} This fills it:", icon=":material/info:")
    st.code(command, language="bash")


def made_by(made):
    """Under a table: the machine, the versions and the command that made it. made: what engine.provenance wrote."""
    machine = machine_of(made) if made.get("machine") else ""
    words = [
        word
        for word in (machine, str(made.get("date", "")), f"commit {made['commit']}" if made.get("commit") else "")
        if word
    ]
    versions = made.get("versions")
    if isinstance(versions, dict):
        words.append(", ".join(f"{name} {version}" for name, version in versions.items()))
    if words:
        st.caption("Made on " + "; ".join(words))
    if made.get("command"):
        st.code(made["command"], language="bash", wrap_lines=True)
