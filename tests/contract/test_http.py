"""`connectors.http` against a server that answers with whatever bytes a test says."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors import http
from connectors.base import Connection
from connectors.contract import NotedBreaker, NotedBudget
from connectors.dialect import AGAIN_S, LONGEST_WAIT_S, never
from connectors.errors import AuthExpired, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from connectors.http import Bearer, Complaint, Dialect, Seen, Session, Token, scrub

Reply = bytes | None
"""What goes back over the wire; None: hang up without a word; b"": never answer."""


def reply(status: int = 200, body: object = None, *, raw: bytes | None = None, **headers: str) -> bytes:
    content = json.dumps(body).encode() if raw is None else raw
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{head}\r\n".encode() + content


@dataclass
class Wire:
    """A server that notes requests (head as text, body) and answers by the script, the last entry for ever."""

    script: list[Callable[[str], Reply]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    def says(self, *replies: Reply) -> None:
        self.script = [lambda _, one=one: one for one in replies]  # type: ignore[misc]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                self.heads.append(head)
                self.at.append(datetime.now(UTC))
                answer = (self.script.pop(0) if len(self.script) > 1 else self.script[0])(head)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield wire
    server.close()


@asynccontextmanager
async def session(
    url: str,
    *,
    dialect: Dialect | None = None,
    bearer: Bearer | None = None,
    timeout_s: float = 5.0,
    in_flight: int = 8,
    retry_s: str = "5",
) -> AsyncIterator[tuple[Session, NotedBudget, NotedBreaker]]:
    budget, breaker = NotedBudget(), NotedBreaker()
    connection = Connection("acme", "acme", url, {"client_secret": "s3cr3t-value"}, {"retry_s": retry_s}, timeout_s)
    one = Session(connection, budget, breaker, dialect=dialect or Dialect(), bearer=bearer, quotas=("calls",), in_flight=in_flight)
    try:
        yield one, budget, breaker
    finally:
        await one.close()


async def test_json_goes_and_comes(wire: Wire) -> None:
    wire.says(reply(body={"a": [1, "ü"]}))
    async with session(wire.url) as (one, budget, breaker):
        answer = await one.call("POST", "/x", json={"q": "ö"}, params={"p": "a b&c"}, priority="hot")
    assert answer.body == {"a": [1, "ü"]}
    assert answer.sent_at <= answer.received_at
    assert wire.heads[0].startswith(("POST /x?p=a+b%26c HTTP/1.1", "POST /x?p=a%20b%26c HTTP/1.1"))
    assert json.loads(wire.bodies[0]) == {"q": "ö"}
    assert budget.slots == [("calls", "hot")]
    assert breaker.told == [True]


async def test_a_call_that_waits_for_the_day_holds_no_slot_of_the_second(wire: Wire) -> None:
    wire.says(reply(body={}))
    async with session(wire.url) as (one, budget, _):
        await one.call("GET", "/x", quotas=("search", "calls", "daily"), priority="bulk")
    assert [quota for quota, _ in budget.slots] == ["daily", "calls", "search"]


async def test_a_connection_is_kept_alive(wire: Wire) -> None:
    wire.says(reply(body={}))
    async with session(wire.url) as (one, _, _):
        for _ in range(5):
            await one.call("GET", "/x")
    assert wire.connections == 1


async def test_no_more_calls_at_once_than_allowed(wire: Wire) -> None:
    wire.says(reply(body={}))
    async with session(wire.url, in_flight=3) as (one, _, _):
        await asyncio.gather(*(one.call("GET", "/x") for _ in range(30)))
    assert wire.connections <= 3
    assert len(wire.heads) == 30


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, AuthExpired), (403, Rejected), (404, Gone), (410, Gone), (418, Surprising), (429, RateLimited), (302, Surprising), (500, Unavailable), (503, Unavailable), (599, Unavailable)],
)  # fmt: skip
async def test_a_status_says_what_happens_next(wire: Wire, status: int, error: type[ConnectorError]) -> None:
    wire.says(reply(status, body={"message": "no"}, Location="http://127.0.0.1:1/"))
    async with session(wire.url) as (one, _, breaker):
        with pytest.raises(error) as caught:
            await one.call("POST", "/x", json={})
    assert caught.value.status == status
    assert len(wire.heads) == 1
    assert breaker.told == [error is not Unavailable]


@pytest.mark.parametrize(("status", "unknown"), [(500, True), (502, True), (504, True), (503, False)])
async def test_after_which_answers_a_write_may_have_been_applied(wire: Wire, status: int, unknown: bool) -> None:
    wire.says(reply(status, raw=b"<html>oops</html>"))
    async with session(wire.url) as (one, _, _):
        with pytest.raises(Unavailable) as caught:
            await one.call("PATCH", "/x", json={})
    assert caught.value.unknown_outcome is unknown


async def test_a_vendors_code_beats_the_status(wire: Wire) -> None:
    def explain(status: int, body: object) -> Complaint:
        return Complaint("LOCKED", "row locked")

    wire.says(reply(400, body={}))
    async with session(wire.url, dialect=Dialect(explain, {"LOCKED": "unavailable"})) as (one, _, _):
        with pytest.raises(Unavailable, match="row locked"):
            await one.call("POST", "/x", json={})


async def test_a_read_is_tried_again_and_every_send_has_its_slot(wire: Wire) -> None:
    wire.says(reply(503), None, reply(body={"ok": True}))
    async with session(wire.url) as (one, budget, breaker):
        assert (await one.call("GET", "/x")).body == {"ok": True}
    assert len(wire.heads) == 3
    assert len(budget.slots) == 3
    assert breaker.told == [False, False, True]


async def test_an_idempotent_post_is_tried_again(wire: Wire) -> None:
    wire.says(None, reply(body={}))
    async with session(wire.url) as (one, _, _):
        await one.call("POST", "/search", json={}, idempotent=True)
    assert len(wire.heads) == 2


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{"], ids=["hung up", "cut off"])
async def test_a_write_whose_answer_is_lost_is_unknown_and_sent_once(wire: Wire, answer: Reply) -> None:
    cut = answer is not None
    wire.says(answer)
    async with session(wire.url, timeout_s=0.3) as (one, _, _):
        with pytest.raises(Unavailable) as caught:
            await one.call("PATCH", "/x", json={})
    assert caught.value.unknown_outcome
    assert len(wire.heads) == 1
    assert ("no answer" in caught.value.words) is cut


async def test_a_write_without_an_answer_in_time_is_unknown(wire: Wire) -> None:
    wire.says(b"")
    async with session(wire.url, timeout_s=0.2) as (one, _, _):
        with pytest.raises(Unavailable, match=r"within 0\.2 s") as caught:
            await one.call("POST", "/x", json={})
    assert caught.value.unknown_outcome
    assert len(wire.heads) == 1


async def test_an_answer_that_drips_is_bounded_in_time(wire: Wire) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"1\r\n[\r\n")
                await writer.drain()
                await asyncio.wait_for(reader.read(1 << 16), 0.05) if not reader.at_eof() else None
                if reader.at_eof():
                    return
        except (TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with session(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=0.3, retry_s="0") as (one, _, _):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(one.call("GET", "/x"), 3)
    server.close()


async def test_a_write_that_never_left_is_not_unknown() -> None:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    async with session(f"http://127.0.0.1:{port}", retry_s="0") as (one, _, breaker):
        with pytest.raises(Unavailable, match="no connection") as caught:
            await one.call("POST", "/x", json={})
    assert not caught.value.unknown_outcome
    assert breaker.told == [False]


async def test_retry_after_is_honoured_and_the_budget_told(wire: Wire) -> None:
    wire.says(reply(429, body={}, Retry_After="1"), reply(body={}))
    async with session(wire.url) as (one, budget, breaker):
        await one.call("GET", "/x")
    assert wire.at[1] - wire.at[0] >= timedelta(seconds=1)
    (quota, _, _, until) = budget.told[0]
    assert quota == "calls"
    assert until is not None
    assert until - wire.at[0] >= timedelta(seconds=1)
    assert breaker.told == [True, True]  # they answer: that is no outage


async def test_a_wait_longer_than_the_chain_is_the_callers(wire: Wire) -> None:
    wire.says(reply(429, body={}, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)))
    async with session(wire.url) as (one, _, _):
        with pytest.raises(RateLimited) as caught:
            await one.call("GET", "/x")
    assert len(wire.heads) == 1
    assert 80 < caught.value.retry_after <= 90


@pytest.mark.parametrize("said", ["9" * 12, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_nobody_is_waited_for_longer_than_a_day_whatever_they_say(wire: Wire, said: str) -> None:
    wire.says(reply(429, body={}, Retry_After=said))
    async with session(wire.url) as (one, budget, _):
        with pytest.raises(RateLimited) as caught:
            await one.call("GET", "/x")
    assert caught.value.asked_s == LONGEST_WAIT_S
    assert caught.value.retry_after == AGAIN_S, "who called asks again in minutes: the budget says whether it may"
    assert budget.told[0][3] is not None


@pytest.mark.parametrize("dated", [False, True])
async def test_who_is_down_for_so_long_is_left_alone_until_then(wire: Wire, dated: bool) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    wire.says(reply(503, body={}, Retry_After=format_datetime(until, usegmt=True) if dated else "1"), reply(body={}))
    async with session(wire.url) as (one, budget, breaker):
        await one.call("GET", "/x")
    assert wire.at[1] >= (until if dated else wire.at[0] + timedelta(seconds=1))
    (quota, _, _, told) = budget.told[0]
    assert quota == "calls"
    assert told is not None
    assert told >= (until if dated else wire.at[0] + timedelta(seconds=1))
    assert breaker.told == [False, True]


async def test_who_is_down_for_a_day_is_asked_again_in_minutes_and_a_write_is_sent_once(wire: Wire) -> None:
    wire.says(reply(503, body={}, Retry_After="86400"))
    async with session(wire.url) as (one, budget, _):
        with pytest.raises(Unavailable) as caught:
            await one.call("POST", "/x", json={})
    assert (caught.value.asked_s, caught.value.unknown_outcome, len(wire.heads)) == (AGAIN_S, False, 1)
    assert budget.told[0][3] is not None
    assert budget.told[0][3] - wire.at[0] < timedelta(seconds=AGAIN_S + 60)


@pytest.mark.parametrize("said", [b"\xb2", b"Mon, 30 Nov 2026 00:00:00 +" + b"9" * 20, b"-5"])
async def test_a_wait_that_is_none_is_not_read(wire: Wire, said: bytes) -> None:
    wire.says(reply(429, body={}, Retry_After="@").replace(b"@", said))
    async with session(wire.url, retry_s="0") as (one, _, _):
        with pytest.raises(RateLimited) as caught:
            await one.call("GET", "/x")
    assert caught.value.retry_after == Dialect().wait_s


@pytest.mark.parametrize("said", ["Mon, 30 Nov 2026 00:00:00 +" + "9" * 20, "Fri, 31 Dec 9999 23:59:59 -1200", "soon"])
async def test_where_a_date_is_none_our_own_clock_counts(wire: Wire, said: str) -> None:
    wire.says(reply(body={}, Date=said))
    async with session(wire.url) as (one, _, _):
        answer = await one.call("GET", "/x")
    assert answer.at_vendor == answer.sent_at


async def test_what_a_vendor_would_have_us_keep_is_not_sent_back(wire: Wire) -> None:
    wire.says(reply(body={}, Set_Cookie="big=" + "x" * 3_000 + "; Path=/"))
    async with session(wire.url) as (one, _, _):
        for _ in range(2):
            await one.call("GET", "/x")
    assert "cookie" not in wire.heads[1].lower()


@pytest.mark.parametrize("more", ["Content-Length: 9999999999", "Content-Encoding: gzip\r\nContent-Length: 7"])
async def test_of_a_plain_call_that_was_taken_no_body_is_waited_for(wire: Wire, more: str) -> None:
    wire.says(f"HTTP/1.1 200 OK\r\n{more}\r\n\r\n".encode() + b"x" * 100_000)
    async with session(wire.url, timeout_s=3, retry_s="0") as (one, _, _):
        assert (await one.call("POST", "/x", json={}, plain=True)).body is None


async def test_limits_of_the_headers_reach_the_budget(wire: Wire) -> None:
    wire.says(reply(body={}, X_Left="7"))
    dialect = Dialect(limits=lambda headers: [Seen("daily", used=100 - int(headers["x-left"]), limit=100)])
    async with session(wire.url, dialect=dialect) as (one, budget, _):
        await one.call("GET", "/x")
    assert budget.told == [("daily", 93, 100, None)]


class Mint:
    """Gives tokens t1, t2 …; each takes until `gate` opens."""

    def __init__(self, *, lifetime_s: float | None = None, fails: bool = False) -> None:
        self.count, self.gate, self.lifetime_s, self.fails = 0, asyncio.Event(), lifetime_s, fails

    async def __call__(self) -> Token:
        self.count += 1
        await self.gate.wait()
        if self.fails:
            raise AuthExpired("revoked")
        return Token(f"t{self.count}", self.lifetime_s)


def accepts(wire: Wire, token: str) -> None:
    wire.script = [lambda head: reply(body={}) if f"authorization: bearer {token}\r\n" in head.lower() else reply(401, body={})]


async def test_a_hundred_refused_calls_renew_the_token_once(wire: Wire) -> None:
    mint = Mint()
    mint.gate.set()
    accepts(wire, "t1")
    async with session(wire.url, bearer=Bearer(mint)) as (one, _, _):
        await one.call("GET", "/x")
        accepts(wire, "t2")
        await asyncio.gather(*(one.call("POST", "/x", json={}) for _ in range(100)))
    assert mint.count == 2


async def test_a_refusal_that_comes_after_the_renewal_does_not_renew_again(wire: Wire) -> None:
    mint = Mint()
    mint.gate.set()
    bearer = Bearer(mint)
    assert await bearer.token() == "t1"
    assert await bearer.renew("t1") == "t2"
    assert await bearer.renew("t1") == "t2"
    assert mint.count == 2


async def test_a_token_that_is_not_accepted_after_a_renewal_has_expired(wire: Wire) -> None:
    mint = Mint()
    mint.gate.set()
    accepts(wire, "none")
    async with session(wire.url, bearer=Bearer(mint)) as (one, _, _):
        with pytest.raises(AuthExpired):
            await one.call("GET", "/x")
    assert mint.count == 2
    assert len(wire.heads) == 2


async def test_all_who_wait_for_a_failed_renewal_are_told(wire: Wire) -> None:
    mint = Mint(fails=True)
    bearer = Bearer(mint)
    asked = [asyncio.create_task(bearer.token()) for _ in range(10)]
    while mint.count == 0:
        await asyncio.sleep(0)
    mint.gate.set()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [AuthExpired] * 10
    assert mint.count == 1


async def test_one_caller_that_gives_up_does_not_end_the_renewal_for_the_others(wire: Wire) -> None:
    mint = Mint()
    bearer = Bearer(mint)
    first, second = asyncio.create_task(bearer.token()), asyncio.create_task(bearer.token())
    while mint.count == 0:
        await asyncio.sleep(0)
    first.cancel()
    mint.gate.set()
    assert await second == "t1"


async def test_a_token_is_renewed_before_its_end() -> None:
    mint = Mint(lifetime_s=0.0)
    mint.gate.set()
    bearer = Bearer(mint)
    assert [await bearer.token(), await bearer.token()] == ["t1", "t2"]


async def test_a_fixed_token_that_is_refused_has_expired(wire: Wire) -> None:
    accepts(wire, "other")
    async with session(wire.url, bearer=Bearer(fixed="mine")) as (one, _, _):
        with pytest.raises(AuthExpired):
            await one.call("PATCH", "/x", json={})
    assert len(wire.heads) == 1


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_token_that_is_refused_is_no_fault_of_what_was_to_be_written(wire: Wire, status: int) -> None:
    async def mint() -> Token:
        await one.call("POST", "/token", authorised=False)
        return Token("never")

    wire.says(reply(status, {}))
    async with session(wire.url, bearer=Bearer(mint)) as (one, _, _):
        with pytest.raises(AuthExpired) as told:
            await one.call("POST", "/x", json={})
    assert told.value.status == status
    assert all(head.startswith("POST /token") for head in wire.heads)


async def test_a_write_whose_token_cannot_be_had_was_not_sent(wire: Wire) -> None:
    async def down() -> Token:
        raise Unavailable("no token now", unknown_outcome=True)

    async with session(wire.url, bearer=Bearer(down), retry_s="0") as (one, _, _):
        with pytest.raises(Unavailable) as caught:
            await one.call("POST", "/x", json={})
    assert not caught.value.unknown_outcome
    assert not wire.heads


@pytest.mark.parametrize(
    "raw",
    [b"{", b"NaN", b'{"a": Infinity}', b"[" * 5000 + b"]" * 5000, b'"\\ud800"', b"\xff\xfe", b"<html></html>"],
    ids=["cut", "nan", "infinity", "deep", "lone surrogate", "no utf-8", "html"],
)
async def test_what_is_no_json_is_surprising_in_a_read_and_unknown_in_a_write(wire: Wire, raw: bytes) -> None:
    wire.says(reply(raw=raw))
    async with session(wire.url) as (one, _, _):
        with pytest.raises(Surprising):
            await one.call("GET", "/x")
        with pytest.raises(Unavailable) as caught:
            await one.call("PATCH", "/x", json={})
    assert caught.value.unknown_outcome


async def test_an_answer_without_end_is_cut(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 1000)
    wire.says(reply(raw=b" " * 1001))
    async with session(wire.url) as (one, _, _):
        with pytest.raises(Surprising, match="longer than 1000 bytes"):
            await one.call("GET", "/x")


async def test_a_compressed_answer_is_not_unpacked(wire: Wire) -> None:
    wire.says(reply(raw=gzip.compress(b'"' + b"0" * 10_000_000 + b'"'), Content_Encoding="gzip"))
    async with session(wire.url) as (one, _, _):
        with pytest.raises(Surprising, match="compressed"):
            await one.call("GET", "/x")
    assert "accept-encoding: identity" in wire.heads[0].lower()


async def test_a_token_that_is_no_header_is_not_quoted(wire: Wire) -> None:
    wire.says(reply(body={}))
    async with session(wire.url, bearer=Bearer(fixed="secret-with\nnewline")) as (one, _, _):
        with pytest.raises(Surprising) as caught:
            await one.call("GET", "/x")
    assert "secret-with" not in str(caught.value)


async def test_an_open_breaker_is_not_tried_again(wire: Wire) -> None:
    class Open(NotedBreaker):
        async def before(self) -> None:
            raise Unavailable("the breaker is open")

    connection = Connection("acme", "acme", wire.url)
    one = Session(connection, NotedBudget(), Open(), dialect=Dialect())
    with pytest.raises(Unavailable, match="breaker"):
        await asyncio.wait_for(one.call("GET", "/x"), 2)
    await one.close()
    assert not wire.heads


async def test_errors_keep_no_secret_of_the_connection(wire: Wire) -> None:
    wire.says(reply(400, body="client_secret is s3cr3t-value"))
    dialect = Dialect(lambda status, body: Complaint("BAD", f"wrong: {body} for jo@acme.example, value 030 1234567"))
    async with session(wire.url, dialect=dialect) as (one, _, _):
        with pytest.raises(Rejected) as caught:
            await one.call("POST", "/x", json={}, hide=["030 1234567"])
    assert not [one for one in ("s3cr3t-value", "jo@acme", "1234567") if one in str(caught.value)]
    assert "wrong" in caught.value.words


@pytest.mark.parametrize(
    ("text", "hide", "told"),
    [
        ("Bearer abcdef123456 is bad", [], "Bearer … is bad"),
        ("mail <o'hara@x.example>", [], "mail <…>"),
        ("a\n  b\tc", [], "a b c"),
        ("value too large: Ana Maria", ["Ana Maria"], "value too large: …"),
        ("the flag is True", [True, "no", None], "the flag is …"),
        ("00D5f0000012345!AQEAQHx9y8z7w6v5u4t3s2r1q0p", [], "…"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", [], "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        ("call +49 (30) 123-45 67, or (030) 123 45 67", [], "call …, or …"),
        ("at 2026-11-30T10:00:00+01:00 or 2026-11-30 10:00 +0100", [], "at 2026-11-30T10:00:00+01:00 or 2026-11-30 10:00 +0100"),
        ("a secret-of-somebodys-connection", [], "a …"),
        ("x" * 500, [], "x" * 299 + "…"),
    ],
)
def test_scrub(text: str, hide: list[object], told: str) -> None:
    never(["secret-of-somebodys-connection", "x"])
    assert scrub(text, hide) == told
