"""What Gradio knows of a visitor goes when the visitor does, and is bounded where nobody says that they go."""

import json
import time

import pytest

from tests.webui.page_client import Visitor
from tests.webui.page_process import running_page
from tests.webui.pictures import encoded, scene

pytestmark = pytest.mark.slow  # it starts a real page

TELLS = """
import json
from webui import gradio_inside
forget = gradio_inside.forget
def telling(blocks, session):
    forget(blocks, session)
    holder = blocks.state_holder
    known = [*holder.session_data, *holder.time_last_used, *blocks._queue.pending_messages_per_session]
    print("gradio knows", json.dumps([holder.capacity, known]), flush=True)
gradio_inside.forget = telling
"""


def test_gradio_forgets_who_has_left_keeps_who_has_not_and_is_bounded():
    picture = encoded(scene(40, 60), "PNG")
    with running_page(prelude=TELLS) as page, Visitor(page.address) as anna, Visitor(page.address) as bert:
        for visitor in (anna, bert):
            assert visitor.bring((picture, "a.png")).success
        anna.leave()
        until = time.monotonic() + 30
        while "gradio knows" not in page.output and time.monotonic() < until:
            time.sleep(0.1)
        capacity, known = json.loads(page.output.split("gradio knows ")[1].splitlines()[0])
        assert anna.session not in known and known.count(bert.session) >= 2
        assert capacity == 1000
        assert bert.event("strength", "change", {"strength": 50}).success
        assert anna.event("strength", "change").success  # who comes back is known anew, without the pictures
