"""`python launch.py study serve`: the pages of a blind study, for volunteers and for its leader."""

import os

from engine.errors import BadSetting

HELP = "serve a blind study: links for volunteers, a page for its leader"
PORT = 7870


def add_arguments(parser):
    parser.add_argument("study", metavar="DIR", help="the folder that study plan wrote")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--listen", action="store_true", help="let other machines in, on all addresses or on --host")
    parser.add_argument("--public-url", default="", metavar="URL", help="address of a tunnel or proxy before it")
    parser.add_argument("--invites", type=int, default=0, metavar="N", help="N personal links instead of one for all")
    parser.add_argument("--ends", metavar="DATE", help="nobody begins after this day, or time (2026-06-30T18:00)")
    parser.add_argument("--max-raters", type=int, metavar="N", help="most volunteers (default: all planned sessions)")
    parser.add_argument("--database", metavar="URL", help="postgresql://... (default: answers.sqlite in DIR)")
    parser.add_argument(
        "--leader-password",
        default=os.environ.get("WHETSTONE_LEADER_PASSWORD"),
        help="of the leader's page (or set WHETSTONE_LEADER_PASSWORD; default: one is made and printed)",
    )
    parser.add_argument("--kept", default="", metavar="WORDS", help="how long answers are kept, for the consent page")
    parser.add_argument("--contact", default="", metavar="WORDS", help="whom volunteers can ask, for the consent page")
    parser.add_argument("--break-minutes", type=float, default=20, help="work before a break (default: %(default)s)")


def run(args):
    """Serve until Ctrl-C, then write ratings.csv. Raises WhetstoneError, StudyError."""
    import secrets

    host, public_url, ends_at = check(args)
    from mos_study.folder import export, open_store
    from mos_study.store import Door
    from webui.server import is_local, listen, page_address, serve
    from webui.study_app import build_study
    from webui.study_desk import StudyDesk, Terms

    store = open_store(args.study, args.database)
    try:
        planned = len(store.plan.sessions)
        most = planned if args.max_raters is None else args.max_raters
        if not 1 <= most <= planned:
            raise BadSetting(f"--max-raters must be from 1 to {planned}, the planned sessions, not {most}")
        if not 0 <= args.invites <= most:
            raise BadSetting(f"--invites must be from 0 to {most}, the most volunteers, not {args.invites}")
        invites = store.add_invites(args.invites)
        door = Door(most, ends_at, shared=not invites)
        terms = Terms(args.kept, args.contact, round(60 * args.break_minutes))
        desk = StudyDesk(store, args.study, door, terms)
        password = args.leader_password or secrets.token_urlsafe(12)
        with listen(host, args.port) as listener:
            address = public_url or page_address(_name_of(host), listener.getsockname()[1])
            app = build_study(desk, door, invites, password, local_only=is_local(host), public_url=public_url)

            def on_ready():
                print(f"The study is at {page_address(host, listener.getsockname()[1])}. Ctrl-C stops it.")
                if invites:
                    print(f"{len(invites)} personal links are on the leader's page")
                else:
                    print(f"link for volunteers: {address}/s/{store.token}")
                shown = "that you gave" if args.leader_password else password
                print(f"leader's page: {address}/leader, any name and the password {shown}", flush=True)

            serve(app, listener, on_ready=on_ready)
        for path in export(store, args.study):
            print(path)
        return 0
    finally:
        store.close()


def check(args):
    """(host, public URL or "", moment of the end or None) from the options. Raises BadSetting."""
    from urllib.parse import urlsplit

    from webui.server import is_local

    host = args.host
    if args.listen:
        host = "0.0.0.0" if is_local(host) else host
    elif not is_local(host):
        raise BadSetting(f"--host {host} lets other machines in; say so with --listen")
    if not 0 <= args.port <= 65535:
        raise BadSetting(f"--port must be from 0 to 65535, not {args.port}")
    if not 0 < args.break_minutes <= 600:
        raise BadSetting(f"--break-minutes must be above 0 and at most 600, not {args.break_minutes:g}")
    if args.leader_password is not None and len(args.leader_password) < 8:
        raise BadSetting("--leader-password must have 8 characters or more")
    public_url = args.public_url.rstrip("/")
    parts = urlsplit(public_url)
    if public_url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query):
        raise BadSetting(f"--public-url must be an address such as https://study.example.org, not {args.public_url!r}")
    return host, public_url, _end(args.ends)


def _end(text):
    """The moment after which nobody begins: a day counts to its end, on this machine's clock."""
    from datetime import datetime, timedelta, timezone

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadSetting(f"--ends must be a day such as 2026-06-30, or 2026-06-30T18:00, not {text!r}") from None
    if len(text) == 10:
        moment += timedelta(days=1)
    moment = moment.astimezone(timezone.utc)
    if moment <= datetime.now(timezone.utc):
        raise BadSetting(f"--ends {text} is over; give a later one, or leave it out")
    return moment


def _name_of(host):
    """What other machines can call a host by: of all addresses, the one that leads out of this machine."""
    import socket

    if host != "0.0.0.0":
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for examples (RFC 5737); nothing is sent to it
        except OSError:
            return host
        return probe.getsockname()[0]
