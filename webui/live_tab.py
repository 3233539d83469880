"""The live tab: lays out its one panel; what the panel does is in static/live_*.js, what a click means below."""

import gradio as gr

from webui.sharpeners import choices
from webui.theme import STATIC

SCRIPTS = ("live_view.js", "live_figures.js", "live_browser.js", "live_host.js", "live_tab.js")


def build(sharpeners):
    """Lay out the tab inside the Blocks that is being built."""
    gr.HTML(
        html_template=(STATIC / "live_tab.html").read_text(encoding="utf-8"),
        js_on_load=script(),
        elem_id="live",
        students=[{"name": name, "words": words} for words, name in choices(sharpeners.names())],
        student=sharpeners.default,
    )


def script():
    """One function body: each file defines one part, the last puts them together."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)
