"""A proxy like the one in front of a Space: HTTPS outside, HTTP inside, headers that tell what was asked for."""

import asyncio
import contextlib
import shlex
import shutil
import ssl
import subprocess
import threading


def missing():
    """Why it cannot run here, None where it can."""
    return None if shutil.which("openssl") else "needs openssl, for a certificate"


@contextlib.contextmanager
def platform_proxy(port, folder):
    """The port where https:// is answered by what listens on 127.0.0.1:port. folder: for the certificate."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    command = [*shlex.split(command), "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        return await asyncio.start_server(lambda *ends: _connection(*ends, port), "127.0.0.1", 0, ssl=context)

    async def stop():
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _connection(reader, writer, port):
    with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        answers = asyncio.create_task(_pump(inner_reader, writer))
        try:
            await _requests(reader, inner_writer)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for end in (inner_writer, writer):
                end.close()


async def _requests(reader, writer):
    """Pass requests on, one after the other; after an upgrade whatever comes."""
    while True:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n").split(b"\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        told = {
            b"x-forwarded-host": headers[b"host"],
            b"x-forwarded-proto": b"https",
            b"x-forwarded-for": b"203.0.113.9",
        }
        writer.write(b"\r\n".join([first, *lines, *(name + b": " + value for name, value in told.items()), b"", b""]))
        if b"upgrade" in headers:
            await _pump(reader, writer)
            return
        left = int(headers.get(b"content-length", b"0"))
        while left:
            chunk = await reader.read(min(left, 65536))
            if not chunk:
                return
            left -= len(chunk)
            writer.write(chunk)
            await writer.drain()


async def _pump(reader, writer):
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()
