"""The study's web server: addresses of volunteers' pages and of the leader's, each a call to the desk behind it.

/s/TOKEN       a volunteer's page; its scripts then send the token as a header, so that no address they fetch has it
/api/...       what that page asks for
/leader        the leader's page, its progress and tables, behind a password
"""

import json
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mos_study.export import ratings_csv, sessions_csv
from mos_study.session import Refused
from webui.server import ABOUT_PATH
from webui.study_batches import Batches
from webui.study_guard import StudyGuard
from webui.study_leader import Password, progress

STATIC_DIR = Path(__file__).resolve().parent / "static" / "study"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".html": "text/html", ".png": "image/png"}
_STATUS = {
    "unknown_trial": 422,
    "unknown_link": 404,
    "no_picture": 404,
    "not_json": 400,
}  # of other refusals: 422 for bad_..., else 409


def build_study(desk, door, invites, password, *, local_only, public_url=""):
    """The ASGI application. desk: a StudyDesk; invites: (number, token) of personal links, [] for the shared one."""
    store, key = desk.store, Password(password)
    # one at a time waits better here than for SQLite's lock; PostgreSQL works on several at once
    asking = CapacityLimiter(1 if store.one_writer else 8)

    async def ask(call, *given):
        return await to_thread.run_sync(call, *given, limiter=asking)

    files = {path.name: path for path in STATIC_DIR.iterdir()} | {"favicon.png": STATIC_DIR.parent / "favicon.png"}
    contents = {name: path.read_bytes() for name, path in files.items()}

    def file(name):
        return Response(contents[name], media_type=_TYPES[Path(name).suffix])

    async def about(_request):
        return JSONResponse({"name": "Whetstone", "what": "study"})

    async def page(_request):
        return file("study.html")

    async def static(request):
        name = request.path_params["name"]
        return file(name) if name in contents else PlainTextResponse("Not found.", 404)

    def volunteer(call, with_body=True):
        async def reply(request):
            token = request.headers.get("x-session", "")
            try:
                given = (token, await _content(request)) if with_body else (token,)
                return JSONResponse(await ask(call, *given))
            except Refused as refused:
                return _refusal(refused)

        return reply

    answers = Batches(desk.answer_all)

    async def answer(request):
        try:
            given = (request.headers.get("x-session", ""), await _content(request))
            return JSONResponse(await answers.ask(given))
        except Refused as refused:
            return _refusal(refused)

    async def picture(request):
        token, name = request.headers.get("x-session", ""), request.path_params["name"]
        try:
            path = desk.known_picture(token, name) or await ask(desk.picture, token, name)
            return Response(path.read_bytes(), media_type="image/png")  # a thread would take longer than the read
        except Refused as refused:
            return _refusal(refused)

    def leader(call):
        async def answer(request):
            if not await key.admits(request.headers.get("authorization")):
                realm = {"www-authenticate": 'Basic realm="Whetstone study: any name, the leader password"'}
                return PlainTextResponse("The leader's page needs the leader's password.", 401, realm)
            return await ask(call)

        return answer

    def table(name, make):
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return leader(lambda: Response(make(store), media_type="text/csv; charset=utf-8", headers=headers))

    routes = [
        Route(ABOUT_PATH, about),
        Route("/s/{token}", page),
        Route("/static/{name}", static),
        Route("/api/state", volunteer(desk.state, with_body=False)),
        Route("/api/consent", volunteer(lambda token, _body: desk.consent(token)), methods=["POST"]),
        Route("/api/check", volunteer(desk.check), methods=["POST"]),
        Route("/api/picture/{name}", picture),
        Route("/api/answer", answer, methods=["POST"]),
        Route("/api/withdraw", volunteer(lambda token, _body: desk.withdraw(token)), methods=["POST"]),
        Route("/api/results", volunteer(desk.results, with_body=False)),
        Route("/leader", leader(lambda: file("leader.html"))),
        Route("/leader/progress.json", leader(lambda: JSONResponse(progress(store, door, invites, public_url)))),
        Route("/leader/ratings.csv", table("ratings.csv", ratings_csv)),
        Route("/leader/sessions.csv", table("sessions.csv", sessions_csv)),
    ]
    return StudyGuard(Starlette(routes=routes), local_only=local_only, public_url=public_url)


async def _content(request):
    """The JSON object that was sent. Raises Refused."""
    try:
        content = json.loads(await request.body())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused("not_json")
    return content


def _refusal(refused):
    status = _STATUS.get(refused.code, 422 if refused.code.startswith("bad_") else 409)
    return JSONResponse({"refused": refused.code}, status)
