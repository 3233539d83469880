"""A study's server contacts nobody, from its start over a volunteer's session to the leader's look at it."""

import httpx
import pytest

from tests.webui.contacts import strangers, watched
from tests.webui.study_process import PASSWORD, Volunteer, running_study


@pytest.mark.slow
def test_the_server_of_a_study_contacts_nobody(tmp_path):
    with running_study(environment=watched(tmp_path)) as (study, _plan):
        with Volunteer(study.address, study.token) as volunteer:
            state = volunteer.begin()
            while state["step"] != "done":
                state = volunteer.step(state)
        for path in ("/leader", "/leader/progress.json", "/leader/ratings.csv"):
            httpx.get(study.address + path, auth=("leader", PASSWORD), trust_env=False).raise_for_status()
        assert strangers(study.output) == []
