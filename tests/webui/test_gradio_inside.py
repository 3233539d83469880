"""What Gradio knows of a visitor goes when the visitor does, and is bounded where nobody says that they go."""

import time

from tests.webui.page_process import tiny_mixture
from webui.app import PageSettings, open_page


def test_gradio_forgets_who_has_left_and_keeps_who_has_not(tmp_path):
    with open_page(PageSettings(model=str(tiny_mixture(tmp_path)))) as page:
        known, presence = page.blocks.state_holder, page.server._presence
        for visitor in ("anna", "bert"):
            presence.arrive(visitor)
            assert known[visitor] is known[visitor]
        presence.depart("anna")
        until = time.monotonic() + 20
        while "anna" in known and time.monotonic() < until:
            time.sleep(0.1)
        assert "anna" not in known and "bert" in known
        assert known.time_last_used.keys() == {"bert"}


def test_gradio_knows_a_bounded_number_of_visitors(tmp_path):
    with open_page(PageSettings(model=str(tiny_mixture(tmp_path)))) as page:
        known = page.blocks.state_holder
        assert known.capacity == 1000
        known.capacity = 3
        for number in range(10):
            known[f"visitor {number}"]
        assert len(known.session_data) <= 4
