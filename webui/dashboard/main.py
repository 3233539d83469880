"""The script that Streamlit runs for each visitor: the frame and the navigation; a page is a file of `views`."""

import streamlit as st

from webui.dashboard.views import models, quality, runs, speed, studies
from webui.theme import FAVICON

st.set_page_config("Whetstone dashboard", str(FAVICON), layout="wide")
PAGES = [
    st.Page(runs.show, title="Runs", url_path="runs", icon=":material/show_chart:", default=True),
    st.Page(quality.show, title="Quality", url_path="quality", icon=":material/image_search:"),
    st.Page(speed.show, title="Speed", url_path="speed", icon=":material/speed:"),
    st.Page(models.show, title="Models", url_path="models", icon=":material/deployed_code:"),
    st.Page(studies.show, title="Studies", url_path="studies", icon=":material/groups:"),
]
st.navigation(PAGES, position="top").run()
