"""The way of an upload to Gradio, which limits each file; this limits all bytes of an address."""

import asyncio

from starlette.requests import ClientDisconnect


async def pass_upload(app, scope, receive, send, turnstile, address):
    """Hand a request on to the application and its answer back; (status, sentence) where there is none, else None.

    The answer goes out when the files are where it says that they are: the application moves them after answering.
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
    for message in answers:
        await send(message)
    return None
