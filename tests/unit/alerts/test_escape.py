"""Names from anywhere arrive harmless in every medium."""

from __future__ import annotations

import email
import json
import re
from datetime import UTC, datetime
from email.policy import default
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from sync.alerts import escape, webhook
from sync.alerts.channel import Link, Message, Outlet
from sync.alerts.email import Email, page

NASTY = [
    "<!channel>",
    "*bold*",
    "<script>alert(1)</script>",
    "a\r\nBcc: all@acme.example",
    "\x1b[2J\x1b]0;x\x07",
    "\u202egnp.exe",
    '"><img src=x>',
    "@everyone",
]
names = st.one_of(st.sampled_from(NASTY), st.text(max_size=300), st.lists(st.sampled_from(NASTY), max_size=4).map(" ".join))
OUTLET = Outlet("mail", "email", "team@acme.example", "smtp://mail.example:25", {}, {"from": "truce@acme.example"})


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def tags(text: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    parser = _Tags()
    parser.feed(text)
    return parser.found


@given(names)
def test_plain_text_is_one_line_without_anything_unseen(name: str) -> None:
    shown = escape.plain(name)
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert escape.plain(shown) == shown


@given(names, names)
def test_an_e_mail_has_the_headers_and_the_tags_that_it_was_given_and_no_more(title: str, line: str) -> None:
    mail = Email(OUTLET).mail(Message(title, (line,), (Link(line, "https://truce.example/x"),)), "key-1")
    read = email.message_from_bytes(mail.as_bytes(), policy=default)
    assert sorted(read.keys()) == sorted(
        ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Truce-Id", "MIME-Version", "Content-Type"]
    )
    assert read["To"] == "team@acme.example"
    plain = page(Message("title", ("line",), (Link("link", "https://truce.example/x"),)))
    assert tags(page(Message(title, (line,), (Link(line, "https://truce.example/x"),)))) == tags(plain)


@given(names)
def test_no_link_of_an_e_mail_runs_a_script(url: str) -> None:
    for hostile in (f"javascript:{url}", url):
        hrefs = [value for _, attrs in tags(page(Message("t", (), (Link("x", hostile),)))) for name, value in attrs if name == "href"]
        assert all(value and value.startswith(("https://", "http://")) for value in hrefs)


@given(names, names)
def test_a_webhook_carries_one_line_per_text(title: str, line: str) -> None:
    found = json.loads(json.dumps(webhook.body(Message(title, (line,)), datetime(2026, 11, 25, tzinfo=UTC))))
    for text in (found["data"]["title"], *found["data"]["lines"]):
        assert len(text.splitlines()) <= 1
        assert "\x1b" not in text


@given(names)
def test_other_services_get_no_sign_that_they_could_take_for_an_order(name: str) -> None:
    assert not set("*_`~[]|#<>@\\&\r\n\x1b") & set(escape.unmarked(name))
