"""The only way to a vendor: one `Session` per system, and the only module that knows httpx.

One call is: breaker → token → budget → send → read (bounded) → judge by the vendor's `Dialect`. Reads and other idempotent calls are tried
again inside one chain of at most a minute; a write is sent once, unless it certainly never left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any

import httpx
import orjson
from pydantic_core import from_json
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay, wait_random_exponential

from connectors.base import Breaker, Budget, Connection, Priority
from connectors.bearer import Bearer, Token
from connectors.dialect import STATUSES, Complaint, Dialect, Kind, Seen, never, scrub
from connectors.errors import ConnectorError, RateLimited, Surprising, Unavailable

__all__ = ["STATUSES", "Answer", "Bearer", "Complaint", "Dialect", "Kind", "Seen", "Session", "Token", "scrub"]

for _name in ("httpx", "httpcore"):  # they log addresses with their queries, and headers with the token
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_BYTES = 32 * 1024 * 1024
TOO_MUCH = "too_much"  # our code of an answer that was not read to its end
CHAIN_S = 60.0
_KEEP_ALIVE_S = 4.0  # below the 5 s at which common servers hang up, so that a write seldom meets a dying connection
_jitter = wait_random_exponential(multiplier=0.25, max=10)


@dataclass(frozen=True)
class Answer:
    """A vendor's answer: `body` is parsed JSON (bytes where `raw` was asked for), None when empty; the times are our clock's, `sent_at` from before the send."""

    status: int
    headers: Mapping[str, str]
    body: Any
    sent_at: datetime
    received_at: datetime

    @property
    def at_vendor(self) -> datetime:
        """The vendor's time of the answer, by its Date header; ours where it has none."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (ValueError, OverflowError):
            return self.sent_at


@dataclass(frozen=True)
class _Ask:
    method: str
    url: str
    content: bytes | None
    headers: dict[str, str]
    idempotent: bool
    quotas: Sequence[str]
    priority: Priority
    accept: frozenset[int]
    hide: Iterable[object]
    plain: bool
    raw: bool


class _Again(Exception):
    """Wraps an error after which the same call may be sent again inside this chain."""

    def __init__(self, error: ConnectorError) -> None:
        self.error = error


def _wait(state: RetryCallState) -> float:
    """Full jitter, never sooner than the vendor told."""
    failure = state.outcome.exception() if state.outcome else None
    return (failure.error.asked_s if isinstance(failure, _Again) else 0.0) + _jitter(state)


class Session:
    """Calls to one system: at most `in_flight` at once, every send in the budget, every failure an error of `connectors.errors`.

    Options of the connection: `retry_s` (the chain of one call, 60 at most) and `proxy`.
    """

    def __init__(
        self,
        connection: Connection,
        budget: Budget,
        breaker: Breaker,
        *,
        dialect: Dialect,
        bearer: Bearer | None = None,
        quotas: Sequence[str] = (),
        in_flight: int = 8,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url, self._timeout_s = connection.url.rstrip("/"), connection.timeout_s
        self._secrets = never(connection.secrets.values())
        self._budget, self._breaker, self._dialect, self._bearer, self._quotas = budget, breaker, dialect, bearer, tuple(quotas)
        self._chain_s = min(CHAIN_S, float(connection.options.get("retry_s", CHAIN_S)))
        self._room = asyncio.Semaphore(in_flight)
        self._client = httpx.AsyncClient(
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "truce", **(headers or {})},
            timeout=httpx.Timeout(None, connect=min(5.0, self._timeout_s)),
            limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight, keepalive_expiry=_KEEP_ALIVE_S),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # kept and sent back they would grow with every answer
            verify=_trusted(),
            proxy=connection.options.get("proxy") or None,
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        quotas: Sequence[str] | None = None,
        priority: Priority = "normal",
        accept: Iterable[int] = (),
        authorised: bool = True,
        hide: Iterable[object] = (),
        content: bytes | None = None,
        plain: bool = False,
        raw: bool = False,
    ) -> Answer:
        """Send one request and give the answer if its status is 2xx or in `accept`; raises a ConnectorError else.

        `idempotent` (default: GET) calls are tried again; any other call whose outcome is not known raises Unavailable(unknown_outcome=True).
        `quotas` names the manifest's quotas that this call uses (default: the session's), the shortest window first.
        `hide`: values that no error may quote. `content`: a JSON body as it stands, because a signature covers it.
        `plain`: what is answered beside a good status is nobody's business, and is not read: it may be anything, and have no end. `raw`: a good answer is no JSON but a file.
        `authorised=False` is for minting a token: one attempt without token and breaker, because it runs inside a call that has both.
        """
        full = str(httpx.URL(self._url + path, params=params)) if params else self._url + path
        content = content if json is None else orjson.dumps(json)
        kind = "" if content is None else "application/json"
        if form is not None:
            content, kind = str(httpx.QueryParams(form)).encode(), "application/x-www-form-urlencoded"
        sent = {**(headers or {}), **({"content-type": kind} if kind else {})}
        again, quotas = method == "GET" if idempotent is None else idempotent, self._quotas if quotas is None else quotas
        ask = _Ask(method, full, content, sent, again, quotas, priority, frozenset(accept), (*self._secrets, *hide), plain, raw)
        chain = AsyncRetrying(stop=stop_before_delay(self._chain_s), wait=_wait, retry=retry_if_exception_type(_Again), reraise=True)
        try:
            if not authorised:  # a token is minted inside another call, which answers to the breaker for both
                return await self._checked(ask)
            return await chain(self._attempt, ask)
        except _Again as last:
            raise last.error from None

    async def close(self) -> None:
        """Release every connection; a minting under way is ended."""
        if self._bearer:
            await self._bearer.close()
        await self._client.aclose()

    async def _checked(self, ask: _Ask) -> Answer:
        answer = await self._send(ask, None)
        if error := await self._judge(ask, answer):
            raise error
        return answer

    async def _attempt(self, ask: _Ask) -> Answer:
        await self._breaker.before()  # its Unavailable is no _Again: while it is open nothing is tried
        try:
            answer = await self._authorised(ask)
            error = await self._judge(ask, answer)
        except Unavailable as failure:
            await self._breaker.after(ok=False)
            raise (_Again(failure) if ask.idempotent else failure) from None
        except _Again:
            await self._breaker.after(ok=False)
            raise
        except ConnectorError:  # they answer, whatever they say
            await self._breaker.after(ok=True)
            raise
        await self._breaker.after(ok=not isinstance(error, Unavailable))
        if error is None:
            return answer
        passing = isinstance(error, Unavailable) or (isinstance(error, RateLimited) and not error.daily)
        raise _Again(error) if ask.idempotent and passing else error

    async def _authorised(self, ask: _Ask) -> Answer:
        bearer = self._bearer
        if bearer is None:
            return await self._send(ask, None)
        token = await _minted(bearer.token())
        answer = await self._send(ask, token)
        if answer.status == 401:  # refused before anything was done: safe for writes too
            answer = await self._send(ask, await _minted(bearer.renew(token)))
        return answer

    async def _send(self, ask: _Ask, token: str | None) -> Answer:
        headers = {**ask.headers, "authorization": f"Bearer {token}"} if token else ask.headers
        async with AsyncExitStack() as held:
            for quota in reversed(ask.quotas):  # a slot of a short window is for a call that goes now, not for one that waits hours
                await held.enter_async_context(self._budget.slot(quota, priority=ask.priority))
            await held.enter_async_context(self._room)
            sent_at = datetime.now(UTC)
            status, answered, raw = await self._exchange(ask, headers)
        received_at, body = datetime.now(UTC), self._parsed(ask, status, raw)
        return Answer(self._dialect.meant(status, body), answered, body, sent_at, received_at)

    async def _exchange(self, ask: _Ask, headers: dict[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        unknown = not ask.idempotent
        try:
            async with asyncio.timeout(self._timeout_s):
                request = self._client.build_request(ask.method, ask.url, content=ask.content, headers=headers)
                response = await self._client.send(request, stream=True)
                try:
                    said = b"" if ask.plain and response.is_success else await _bounded(response, unknown)
                    return response.status_code, response.headers, said
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _Again(Unavailable(f"no connection: {type(error).__name__}")) from None
        except TimeoutError:
            raise Unavailable(f"no answer within {self._timeout_s:g} s", unknown_outcome=unknown) from None
        except (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ProxyError) as error:
            raise Unavailable(f"the connection was lost: {type(error).__name__}", unknown_outcome=unknown) from None
        except (httpx.LocalProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:  # its text may quote the token
            raise Surprising(f"the request could not be formed: {type(error).__name__}") from None

    def _parsed(self, ask: _Ask, status: int, raw: bytes) -> Any:
        if ask.plain or not raw.strip() or (ask.raw and status < 300):
            return raw if ask.raw else None
        try:
            return from_json(raw, allow_inf_nan=False)
        except ValueError:
            if status >= 300:
                return None  # a proxy's page; the status says enough
        if ask.idempotent:
            raise Surprising("the answer is no JSON", status=status)
        raise Unavailable("the answer is no JSON, so that what was done is not known", status=status, unknown_outcome=True)

    async def _judge(self, ask: _Ask, answer: Answer) -> ConnectorError | None:
        for seen in self._dialect.limits(answer.headers):
            await self._budget.seen(seen.quota, used=seen.used, limit=seen.limit)
        if 200 <= answer.status < 300 or answer.status in ask.accept:
            return None
        complaint = self._dialect.explain(answer.status, answer.body)
        if complaint.retry_after is None:
            complaint = complaint._replace(retry_after=self._dialect.asked(answer.headers, answer.received_at))
        unknown = not ask.idempotent and answer.status >= 500 and answer.status != 503  # 503: turned away at the door
        error = self._dialect.error(complaint, answer.status, unknown_outcome=unknown, hide=ask.hide)
        if error.asked_s:
            quota = "daily" if isinstance(error, RateLimited) and error.daily else next(iter(ask.quotas), None)
            if quota in (*ask.quotas, *self._quotas):
                await self._budget.seen(str(quota), blocked_until=answer.received_at + timedelta(seconds=error.asked_s))
        return error


async def _minted(token: Awaitable[str]) -> str:
    """Wait for a token; while there is none nothing was sent, so that the call may be tried again whatever it is."""
    try:
        return await token
    except Unavailable as error:
        raise _Again(Unavailable(error.words, code=error.code, status=error.status)) from None


async def _bounded(response: httpx.Response, unknown: bool) -> bytes:
    """Read the body as it comes; raises when it is compressed against our word or longer than MAX_BYTES."""
    parts, size = [], 0
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _too_much("the answer is compressed, which was not asked for", response, unknown)
    async for part in response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise _too_much(f"the answer is longer than {MAX_BYTES} bytes", response, unknown)
    return b"".join(parts)


@cache
def _trusted() -> SSLContext:
    """Give the authorities that are trusted, read once for all clients."""
    return httpx.create_ssl_context(trust_env=False)


def _too_much(words: str, response: httpx.Response, unknown: bool) -> ConnectorError:
    if unknown and response.status_code < 300:
        return Unavailable(words, status=response.status_code, unknown_outcome=True)
    return Surprising(words, code=TOO_MUCH, status=response.status_code)
