"""The web application: a page for each run, its data, and events when there is more to see. Nothing can be changed."""

from __future__ import annotations

import asyncio
import hashlib
import html
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nas.report.page import Live, page
from nas.serving.watched import Watched
from search_spaces.errors import InputError

Closing = Callable[[], bool]

TOKEN = "token"
LOOK = 1.0  # seconds between looks at a run
ALIVE = 15.0  # seconds after which a quiet stream says that it is alive
LIST = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Runs</title>
</head>
<body><main><h1>Runs</h1><ul>{links}</ul></main></body>
</html>
"""
SAFE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def application(runs: Sequence[Watched], hosts: Sequence[str], token: str | None, closing: Closing) -> Starlette:
    """The application.

    Args:
        runs: to be shown.
        hosts: names by which it may be called: a page of another name that resolves to this address is refused.
        token: without which nothing is shown; None: everybody who reaches the address may look.
        closing: whether it is about to end; then streams of events do.
    """

    def watched(request: Request) -> tuple[int, Watched]:
        number: int = request.path_params["number"]
        if number >= len(runs):
            raise HTTPException(404, f"no run {number}; there are {len(runs)}")
        return number, runs[number]

    async def start(request: Request) -> Response:
        if len(runs) == 1:
            return RedirectResponse("/run/0")
        links = "".join(f'<li><a href="/run/{at}">{html.escape(run.name)}</a></li>' for at, run in enumerate(runs))
        return HTMLResponse(LIST.format(links=links))

    async def shown(request: Request) -> Response:
        number, run = watched(request)
        data = await run_in_threadpool(run.data)
        return HTMLResponse(page(run.name, data, Live([one.name for one in runs], number)))

    async def data(request: Request) -> Response:
        return Response(await run_in_threadpool(watched(request)[1].data), media_type="application/json")

    async def events(request: Request) -> Response:
        run = watched(request)[1]
        return StreamingResponse(_events(run, closing), media_type="text/event-stream")

    routes = [
        Route("/", start),
        Route("/run/{number:int}", shown),
        Route("/run/{number:int}/data", data),
        Route("/run/{number:int}/events", events),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
        Middleware(_SafeHeaders),
        *([Middleware(_Token, token=token)] if token else []),
    ]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={InputError: _told})


async def _told(request: Request, error: Exception) -> Response:
    """Why a run cannot be shown."""
    return PlainTextResponse(f"{error}\n", 500)


async def _events(run: Watched, closing: Closing) -> AsyncIterator[str]:
    """``changed`` whenever there is more to see than was told last."""
    seen, quiet = run.told, 0.0
    yield "retry: 2000\n\n"
    while not closing():
        await asyncio.sleep(LOOK)
        quiet += LOOK
        if run.due(seen):
            seen, quiet = run.version, 0.0
            yield "event: changed\ndata: more\n\n"
        elif quiet >= ALIVE:
            quiet = 0.0
            yield ": alive\n\n"


class _SafeHeaders:
    """Tells browsers to keep nothing and to guess nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.lower().encode(), value.encode()) for name, value in SAFE.items()]
            await send(message)

        await self.app(scope, receive, with_headers)


class _Token:
    """Lets in who brings the token in the address, and then remembers it in a cookie that scripts cannot read.

    Browsers keep one cookie of a name for all ports of a host, so its name follows from the token. It is sent along
    when a link is followed (``lax``): else who comes by one in a mail or a chat would be sent on without it.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token
        self.cookie = f"{TOKEN}_{hashlib.sha256(token.encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        answer: ASGIApp = self.app
        if self._is(request.query_params.get(TOKEN)):
            found = RedirectResponse(request.url.path)
            found.set_cookie(self.cookie, self.token, httponly=True, samesite="lax")
            answer = found
        elif not self._is(request.cookies.get(self.cookie)):
            answer = PlainTextResponse(f"expected the address with its {TOKEN}, as 'nas serve' tells it\n", 403)
        await answer(scope, receive, send)

    def _is(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self.token.encode())
