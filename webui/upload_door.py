"""The way of an upload to Gradio, which limits each file; this limits all bytes of an address."""

import asyncio
import json

from starlette.requests import ClientDisconnect


async def pass_upload(app, scope, receive, send, *, turnstile, address, take_in):
    """Hand a request on to the application and its answer back; (status, sentence) where there is none, else None.

    take_in(path): moves an uploaded file to where it stays and returns its new path, which is what the answer says.
    """
    wait_s, refusal = turnstile.upload(address)
    if refusal is not None:
        return 429, refusal
    await asyncio.sleep(wait_s)
    flood, answers = [], []

    async def counted():
        message = await receive()
        if flood or not turnstile.came(address, len(message.get("body", b""))):
            flood.append((429, "Too much came from this address; bring fewer pictures, or try again in some minutes."))
            return {"type": "http.disconnect"}
        return message

    async def kept(message):
        answers.append(message)

    try:
        await app(scope, counted, kept)
    except ClientDisconnect:  # ours, or the visitor's own
        return flood[0] if flood else None
    except TypeError:  # what Gradio raises for a part without a file
        return 400, "The upload is no form with files."
    if flood:
        return flood[0]
    try:
        answers = _with_new_places(answers, take_in)
    except FileNotFoundError:
        return 409, "The file did not arrive whole; bring it again."
    for message in answers:
        await send(message)
    return None


def _with_new_places(messages, take_in):
    """The messages of an answer whose JSON is a list of paths, with the files taken in; others as they are."""
    body = b"".join(message.get("body", b"") for message in messages)
    if not messages or messages[0].get("status") != 200:
        return messages
    body = json.dumps([take_in(path) for path in json.loads(body)]).encode()
    kept = [(name, value) for name, value in messages[0]["headers"] if name.lower() != b"content-length"]
    headers = [*kept, (b"content-length", str(len(body)).encode())]
    return [{**messages[0], "headers": headers}, {"type": "http.response.body", "body": body}]
