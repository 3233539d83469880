"""Serves the page that sharpens in the visitor's own browser below /here/, from the page's own server."""

import threading

import fastapi
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from webui.browser_runtime import FILES, is_fetched, runtime_folder
from webui.door import HERE_PATH
from webui.static_page import TYPES, models, page_files, served_runtime_facts

_CACHE = {"cache-control": "no-cache"}  # kept, but asked for anew: an update shows at once


def add_here_routes(app, guard):
    """Add them to a FastAPI application, before anything that takes every path. guard: a live_guard.Guard."""
    pages, making = page_files(), threading.Lock()

    @app.get(HERE_PATH.rstrip("/"))
    def without_slash():
        return RedirectResponse(HERE_PATH.strip("/") + "/")  # relative: right behind a proxy, too

    @app.get(HERE_PATH + "{name:path}")
    async def here(name: str, request: fastapi.Request):
        if not await guard.may_enter(request.scope):
            return PlainTextResponse("Log in first, then reload the page.", 401)
        return await fastapi.concurrency.run_in_threadpool(answer, name or "index.html")

    def answer(name):
        folder, _, file = name.rpartition("/")
        kind = TYPES.get("." + name.rpartition(".")[2])
        if name == "runtime.json":
            return JSONResponse(served_runtime_facts(), headers=_CACHE)
        if name in pages:
            return FileResponse(pages[name], media_type=kind, headers=_CACHE)
        if folder == "runtime" and file in FILES and is_fetched():
            return FileResponse(runtime_folder() / file, media_type=kind, headers=_CACHE)
        if folder == "models":
            with making:  # two visitors at once wait for the same ones
                files = models()
            if file in files:
                return Response(files[file], media_type=kind, headers=_CACHE)
        return PlainTextResponse("Not found.", 404)
