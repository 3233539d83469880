"""The plan as a file: plan.json in a study's folder, beside the stimuli that it names."""

import json
from dataclasses import asdict

from mos_study.errors import BadStudy
from mos_study.plan import Plan, PlannedSession, Settings, Trial

FORMAT = 1


def plan_json(plan):
    """The plan as JSON text, the same for the same plan."""
    content = {"format": FORMAT, **asdict(plan)}
    return json.dumps(content, indent=1) + "\n"


def read_plan(text):
    """The Plan of plan_json's text. Raises BadStudy."""
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise BadStudy(
                f"the plan has format {content['format']!r}, this version reads {FORMAT}; plan the study again"
            )
        settings = Settings(**{**content["settings"], "conditions": tuple(content["settings"]["conditions"])})
        sessions = tuple(
            PlannedSession(tuple(Trial(**trial) for trial in one["trials"]), tuple(one["plates"]))
            for one in content["sessions"]
        )
        sizes = {stimulus: tuple(size) for stimulus, size in content["sizes"].items()}
        return Plan(settings, sessions, dict(content["files"]), sizes)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadStudy(f"the plan is damaged ({type(error).__name__}: {error}); plan the study again") from None
