"""A visitor without a browser: talks to the page over HTTP as its own script does (upload, join the queue, listen)."""

import json
import secrets
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Answer:
    """What an event brought. values: by the elem_id of the output component."""

    success: bool
    values: dict
    steps: tuple  # values of the steps before the last, for an event that tells how far it is


class Visitor:
    """One session on a running page. Use as a context manager."""

    def __init__(self, address, **more):
        self.http = httpx.Client(base_url=address, timeout=60, trust_env=False, **more)
        self.session = secrets.token_hex(8)
        self._config = None

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.http.close()

    @property
    def config(self):
        """Gradio's description of the page: components and events."""
        if self._config is None:
            self._config = self.http.get("/config").raise_for_status().json()
        return self._config

    def upload(self, content, name, kind="application/octet-stream"):
        """Send one file; returns where the server put it."""
        answer = self.http.post("/gradio_api/upload", files={"files": (name, content, kind)}).raise_for_status()
        return answer.json()[0]

    def bring(self, *files):
        """Upload (content, name) pairs and announce them as the drop zone does."""
        data = {"files": [{"path": self.upload(content, name), "name": name} for content, name in files]}
        return self.event("drop", "upload", {}, data)

    def event(self, elem_id, event, changed=None, event_data=None, after=None):
        """Trigger an event of a component; changed: values of input components by elem_id, the others as at the start.

        after: "then" picks the event that follows that one.
        """
        components = {part["id"]: part for part in self.config["components"]}
        names = {number: part["props"].get("elem_id") for number, part in components.items()}
        dependency = self._dependency(names, elem_id, event)
        if after:
            dependency = next(d for d in self.config["dependencies"] if d["trigger_after"] == dependency["id"])
        values = {"strength": 100, "chooser": 0, "view": "whole", **(changed or {})}
        data = [
            values[names[number]] if names[number] in values else components[number]["props"].get("value")
            for number in dependency["inputs"]
        ]
        body = {
            "data": data,
            "event_data": event_data,
            "fn_index": dependency["id"],
            "trigger_id": None,
            "session_hash": self.session,
        }
        joined = self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return Answer(False, {"refused": f"{joined.status_code} {joined.text}"}, ())
        return self._listen([names[number] for number in dependency["outputs"]])

    def _dependency(self, names, elem_id, event):
        for dependency in self.config["dependencies"]:
            if any(names.get(number) == elem_id and kind == event for number, kind in dependency["targets"]):
                return dependency
        raise LookupError(f"no event {event!r} of {elem_id!r}")

    def _listen(self, outputs):
        steps, shown = [], [None] * len(outputs)
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                if not line.startswith("data: "):
                    continue
                message = json.loads(line[6:])
                if message["msg"] == "process_generating":
                    if message["success"]:
                        shown = _patched(shown, message["output"]["data"], first=not steps)
                        steps.append(dict(zip(outputs, shown)))
                elif message["msg"] == "process_completed":
                    success = message["success"]
                    data = message["output"].get("data") if success else None
                    if data and not steps:
                        shown = data
                    return Answer(success, dict(zip(outputs, shown)), tuple(steps))
        raise AssertionError("the event stream ended without a result")

    def download(self, value):
        """The bytes that a component's value (an update or a file) points to."""
        file = value.get("value", value) if isinstance(value, dict) else value
        return self.http.get(f"/gradio_api/file={file['path']}").raise_for_status().content

    def leave(self):
        """Close the page: open the heartbeat that the browser keeps open, and end it."""
        with self.http.stream("GET", f"/gradio_api/heartbeat/{self.session}") as beat:
            next(beat.iter_lines())


def _patched(shown, data, first):
    """Gradio sends the first step whole and then only the differences: [action, path, value] for each output."""
    if first:
        return list(data)
    result = json.loads(json.dumps(shown))
    for index, changes in enumerate(data):
        for action, path, value in changes:
            if not path:
                result[index] = value
                continue
            place = result[index]
            for key in path[:-1]:
                place = place[key]
            if action == "delete":
                del place[path[-1]]
            elif action == "append":
                place[path[-1]] += value
            else:
                place[path[-1]] = value
    return result
