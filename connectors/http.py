"""The only way to a vendor: one `Session` per system, and the only module that knows httpx.

One call is: breaker → token → budget → send → read (bounded) → judge by the vendor's `Dialect`. Reads and other idempotent calls are tried
again inside one chain of at most a minute; a write is sent once, unless it certainly never left.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any, Literal, NamedTuple

import httpx
import orjson
from pydantic_core import from_json
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay, wait_random_exponential

from connectors.base import Breaker, Budget, Connection, Priority
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from schemas.write import FieldRefused

Kind = Literal["unavailable", "rate_limited", "daily", "auth_expired", "rejected", "conflict", "gone", "surprising"]
"""What happens next: the errors of `connectors.errors`; `daily` is RateLimited(daily=True)."""

STATUSES: Mapping[int, Kind] = {
    400: "rejected", 401: "auth_expired", 403: "rejected", 404: "gone", 408: "unavailable", 409: "conflict", 410: "gone", 412: "conflict",
    413: "rejected", 422: "rejected", 423: "unavailable", 425: "unavailable", 429: "rate_limited",
}  # fmt: skip
"""HTTP's own meaning of a status; 5xx is `unavailable`, anything else is `surprising`. A vendor's dialect extends it."""

MAX_BYTES = 32 * 1024 * 1024
CHAIN_S = 60.0
_KEEP_ALIVE_S = 4.0  # below the 5 s at which common servers hang up, so that a write seldom meets a dying connection
_EMAIL = re.compile(r"[^\s@<>\"'(),;:=]{1,64}@[^\s@<>\"'(),;:]{1,255}")
_SECRET = re.compile(r"(?i)\b(bearer|(?:access|refresh)?_?token|client_secret|api_?key|password)\b([\"']?\s*[:=]?\s*)[^\s\"',;&]{6,}")
_TOKEN = re.compile(r"(?=[\w.!+/=-]*\d)(?=[\w.!+/=-]*[A-Za-z])[\w.!+/=-]{40,}")


def scrub(text: str, hide: Iterable[object] = ()) -> str:
    """Give a vendor's words without e-mail addresses, tokens and the values in `hide` (four characters and longer), 300 characters at most."""
    for value in sorted({str(one) for one in hide if len(str(one)) > 3}, key=len, reverse=True):
        text = text.replace(value, "…")
    text = _SECRET.sub(r"\1\2…", _EMAIL.sub("…", text))
    text = " ".join(_TOKEN.sub("…", text).split())
    return text if len(text) <= 300 else text[:299] + "…"


class Complaint(NamedTuple):
    """What a vendor said of a failure: its code and words; `kind` and the rest only where the vendor's code alone does not say it."""

    code: str = ""
    words: str = ""
    kind: Kind | None = None
    retry_after: float | None = None
    existing: tuple[str, ...] = ()
    became: str | None = None
    refused: tuple[FieldRefused, ...] = ()


class Seen(NamedTuple):
    """What a vendor's headers say of one quota."""

    quota: str
    used: int | None = None
    limit: int | None = None


def _no_words(status: int, body: Any) -> Complaint:
    return Complaint()


def _no_limits(headers: Mapping[str, str]) -> Iterable[Seen]:
    return ()


@dataclass(frozen=True)
class Dialect:
    """How one vendor speaks of trouble, as tables: its codes beat the statuses; `explain(status, body)` never raises."""

    explain: Callable[[int, Any], Complaint] = _no_words
    codes: Mapping[str, Kind] = field(default_factory=dict)
    statuses: Mapping[int, Kind] = field(default_factory=lambda: STATUSES)
    limits: Callable[[Mapping[str, str]], Iterable[Seen]] = _no_limits
    wait_s: float = 10.0
    """How long to wait after a refusal for rate that names no time."""
    daily_wait_s: float = 900.0

    def kind(self, complaint: Complaint, status: int | None) -> Kind:
        """Say what happens next: the complaint's own kind, else its code's, else the status's."""
        known = complaint.kind or self.codes.get(complaint.code)
        if known or status is None:
            return known or "rejected"
        return self.statuses.get(status) or ("unavailable" if status >= 500 else "surprising")

    def error(
        self, complaint: Complaint, status: int | None = None, *, unknown_outcome: bool = False, hide: Iterable[object] = ()
    ) -> ConnectorError:
        """Build the error for a whole call (`status`) or for one row of a batch (None), its words scrubbed."""
        words = scrub(complaint.words or complaint.code or f"HTTP {status}", hide)
        code = complaint.code[:80]
        match kind := self.kind(complaint, status):
            case "unavailable":
                return Unavailable(words, code=code, status=status, unknown_outcome=unknown_outcome)
            case "rate_limited" | "daily":
                wait = self.daily_wait_s if kind == "daily" else self.wait_s
                wait = wait if complaint.retry_after is None else complaint.retry_after
                return RateLimited(words, code=code, status=status, retry_after=wait, daily=kind == "daily")
            case "auth_expired":
                return AuthExpired(words, code=code, status=status)
            case "rejected":
                return Rejected(words, code=code, status=status, refused=complaint.refused)
            case "conflict":
                return Conflict(words, code=code, status=status, existing=complaint.existing)
            case "gone":
                return Gone(words, code=code, status=status, became=complaint.became)
            case "surprising":
                return Surprising(words, code=code, status=status)


class Token(NamedTuple):
    """A bearer token, and for how many seconds it is good, where the vendor says so."""

    text: str
    lifetime_s: float | None = None


class Bearer:
    """The token of one session: minted when first needed, a minute before its end, and once for however many refusals of it."""

    def __init__(self, mint: Callable[[], Awaitable[Token]] | None = None, *, fixed: str = "") -> None:
        self._mint, self._token, self._until = mint, fixed or None, float("inf")
        self._minting: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """Give the token to send."""
        if self._token is not None and monotonic() < self._until:
            return self._token
        return await self.renew(self._token)

    async def renew(self, stale: str | None) -> str:
        """Give another token than `stale`; whoever asks at the same time shares one minting. Raises AuthExpired if there is no way."""
        if self._token is not None and self._token != stale:
            return self._token
        if self._mint is None:
            raise AuthExpired("the token is not accepted, and a fixed token cannot be renewed", status=401)
        if self._minting is None:
            self._minting = asyncio.create_task(self._run(self._mint))
            self._minting.add_done_callback(self._minted)
        return await asyncio.shield(self._minting)

    async def _run(self, mint: Callable[[], Awaitable[Token]]) -> str:
        token = await mint()
        self._until = float("inf") if token.lifetime_s is None else monotonic() + max(token.lifetime_s - 60, token.lifetime_s / 2)
        self._token = token.text
        return token.text

    def _minted(self, task: asyncio.Task[str]) -> None:
        self._minting = None
        if not task.cancelled():
            task.exception()  # whoever asked has it; unread it would be reported as lost

    async def close(self) -> None:
        """End a minting under way."""
        if self._minting is not None:
            self._minting.cancel()


@dataclass(frozen=True)
class Answer:
    """A vendor's answer: `body` is parsed JSON, None when empty; the times are our clock's, `sent_at` from before the send."""

    status: int
    headers: Mapping[str, str]
    body: Any
    sent_at: datetime
    received_at: datetime


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


class _Again(Exception):
    """Wraps an error after which the same call may be sent again inside this chain."""

    def __init__(self, error: ConnectorError) -> None:
        self.error = error


_jitter = wait_random_exponential(multiplier=0.25, max=10)


def _wait(state: RetryCallState) -> float:
    """Full jitter, never sooner than the vendor told."""
    failure = state.outcome.exception() if state.outcome else None
    told = failure.error.retry_after if isinstance(failure, _Again) and isinstance(failure.error, RateLimited) else 0.0
    return told + _jitter(state)


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    text = headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds()) if text else None
    except (ValueError, TypeError):
        return None


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
        self._secrets = tuple(connection.secrets.values())
        self._budget, self._breaker, self._dialect, self._bearer, self._quotas = budget, breaker, dialect, bearer, tuple(quotas)
        self._chain_s = min(CHAIN_S, float(connection.options.get("retry_s", CHAIN_S)))
        self._room = asyncio.Semaphore(in_flight)
        self._client = httpx.AsyncClient(
            headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "truce", **(headers or {})},
            timeout=httpx.Timeout(None, connect=min(5.0, self._timeout_s)),
            limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight, keepalive_expiry=_KEEP_ALIVE_S),
            follow_redirects=False,
            trust_env=False,
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
    ) -> Answer:
        """Send one request and give the answer if its status is 2xx or in `accept`; raises a ConnectorError else.

        `idempotent` (default: GET) calls are tried again; any other call whose outcome is not known raises Unavailable(unknown_outcome=True).
        `quotas` names the manifest's quotas that this call uses (default: the session's). `hide`: values that no error may quote.
        """
        full = str(httpx.URL(self._url + path, params=params)) if params else self._url + path
        content, kind = (orjson.dumps(json), "application/json") if json is not None else (None, "")
        if form is not None:
            content, kind = str(httpx.QueryParams(form)).encode(), "application/x-www-form-urlencoded"
        sent = {**(headers or {}), **({"content-type": kind} if kind else {})}
        again = method == "GET" if idempotent is None else idempotent
        quotas = self._quotas if quotas is None else quotas
        ask = _Ask(method, full, content, sent, again, quotas, priority, frozenset(accept), (*self._secrets, *hide))
        chain = AsyncRetrying(stop=stop_before_delay(self._chain_s), wait=_wait, retry=retry_if_exception_type(_Again), reraise=True)
        try:
            return await chain(self._attempt, ask, self._bearer if authorised else None)
        except _Again as last:
            raise last.error from None

    async def close(self) -> None:
        """Release every connection; a minting under way is ended."""
        if self._bearer:
            await self._bearer.close()
        await self._client.aclose()

    async def _attempt(self, ask: _Ask, bearer: Bearer | None) -> Answer:
        await self._breaker.before()
        try:
            answer = await self._authorised(ask, bearer)
            error = await self._judge(ask, answer)
        except Unavailable as failure:
            await self._breaker.after(ok=False)
            raise (_Again(failure) if ask.idempotent else failure) from None
        except _Again:
            await self._breaker.after(ok=False)
            raise
        await self._breaker.after(ok=not isinstance(error, Unavailable))
        if error is None:
            return answer
        passing = isinstance(error, Unavailable) or (isinstance(error, RateLimited) and not error.daily)
        raise _Again(error) if ask.idempotent and passing else error

    async def _authorised(self, ask: _Ask, bearer: Bearer | None) -> Answer:
        if bearer is None:
            return await self._send(ask, None)
        token = await bearer.token()
        answer = await self._send(ask, token)
        if answer.status == 401:  # refused before anything was done: safe for writes too
            answer = await self._send(ask, await bearer.renew(token))
        return answer

    async def _send(self, ask: _Ask, token: str | None) -> Answer:
        headers = {**ask.headers, "authorization": f"Bearer {token}"} if token else ask.headers
        async with AsyncExitStack() as held:
            for quota in ask.quotas:
                await held.enter_async_context(self._budget.slot(quota, priority=ask.priority))
            await held.enter_async_context(self._room)
            sent_at = datetime.now(UTC)
            status, answered, raw = await self._exchange(ask, headers)
        received_at = datetime.now(UTC)
        return Answer(status, answered, self._parsed(ask, status, raw), sent_at, received_at)

    async def _exchange(self, ask: _Ask, headers: dict[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        unknown = not ask.idempotent
        try:
            async with asyncio.timeout(self._timeout_s):
                request = self._client.build_request(ask.method, ask.url, content=ask.content, headers=headers)
                response = await self._client.send(request, stream=True)
                try:
                    return response.status_code, response.headers, await _bounded(response, unknown)
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
        if not raw.strip():
            return None
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
            complaint = complaint._replace(retry_after=_retry_after(answer.headers, answer.received_at))
        unknown = not ask.idempotent and answer.status >= 500 and answer.status != 503  # 503: turned away at the door
        error = self._dialect.error(complaint, answer.status, unknown_outcome=unknown, hide=ask.hide)
        if isinstance(error, RateLimited):
            quota = "daily" if error.daily else next(iter(ask.quotas), None)
            if quota in (*ask.quotas, *self._quotas):
                await self._budget.seen(str(quota), blocked_until=answer.received_at + timedelta(seconds=error.retry_after))
        return error


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


def _too_much(words: str, response: httpx.Response, unknown: bool) -> ConnectorError:
    if unknown and response.status_code < 300:
        return Unavailable(words, status=response.status_code, unknown_outcome=True)
    return Surprising(words, status=response.status_code)
