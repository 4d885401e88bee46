"""What may stand after `/truce`: read as people type it, with an answer for whoever mistypes. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from sync.playbook.problems import closest

HELP = (
    "/truce away until Mon cover ben@… – you get no leads before Mon; who covers has your open hand-offs meanwhile",
    "/truce back – you are there again; “for ben@…” after away or back speaks for somebody of yours",
    "/truce why kim@nordwind.example – where a lead stands, and why it is whose it is",
    "/truce mine – what is open with you, and by when; /truce team – the same of your people, counted",
    "/truce accept WHO · /truce reject WHO REASON … · /truce give WHO to ben@… – as the buttons do; /truce note WHO … – kept with the hand-off",
    "/truce hold WHO until Fri – you wait for the customer, so your clock stands; /truce run WHO – it runs again",
    "/truce snooze WHO until 14:30 – no reminder before; the clock runs on, and what is due stays due",
)
_MAILTO = re.compile(r"<mailto:([^|>]+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_USER = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_WORDS = ("until", "from", "cover", "for", "because")
_LOOKS = {"mine": "mine", "open": "mine", "team": "team"}
_ABOUT = ("why", "accept", "reject", "give", "note", "hold", "run", "snooze")
_KNOWN = ("away", "back", "help", *_LOOKS, *_ABOUT)
_ALSO = {"reassign": "give", "assign": "give", "decline": "reject", "status": "mine", "list": "mine"}
"""What people type for it."""


class Away(NamedTuple):
    """Somebody is not there; times and people as they typed them, '' for none."""

    since: str = ""
    until: str = ""
    cover: str = ""
    why: str = ""
    who: str = ""
    """Whom it is about, where that is not the one who typed it."""


class Back(NamedTuple):
    """Somebody is there again."""

    who: str = ""


class Look(NamedTuple):
    """What is open: `mine`, or with the people of a manager (`team`)."""

    what: str


class About(NamedTuple):
    """One lead's hand-off: why, accept, reject, give, note, hold, run, snooze."""

    what: str
    who: str
    code: str = ""
    """Of reject: the reason, '' where none was typed; of give: to whom."""
    comment: str = ""
    until: str = ""


class Unclear(NamedTuple):
    """Not understood: what to type instead."""

    lines: tuple[str, ...]


def parse(text: str) -> Away | Back | Look | About | Unclear:
    """Read what was typed; a mention of a person stays `@U…`, a linked address is the address."""
    plain = _LINK.sub(lambda found: found[2] or found[1], _USER.sub(r"@\1", _MAILTO.sub(r"\1", text)))
    first, _, rest = " ".join(plain.split()).partition(" ")
    word = _ALSO.get(first.lower(), first.lower())
    if word == "away":
        return _away(rest)
    if word == "back" and (not rest or rest.startswith("for ")):
        return Back(rest.removeprefix("for ").strip())
    if word in _LOOKS and not rest:
        return Look(_LOOKS[word])
    if word in ("back", *_LOOKS):
        return Unclear(
            (f"/truce {word} stands alone, without “{rest[:40]}”{'; “for ben@…” speaks for somebody of yours' if word == 'back' else ''}.",)
        )
    if word in _ABOUT:
        return _about(word, rest)
    if word in ("", "help"):
        return Unclear(HELP)
    near = closest(word, _KNOWN)
    meant = f" Did you mean /truce {near}?" if near else ""
    return Unclear((f"“{first[:40]}” is nothing that Truce understands.{meant} You can type:", *HELP))


def _away(rest: str) -> Away | Unclear:
    found: dict[str, list[str]] = {}
    here = "until" if rest and rest.split(" ", maxsplit=1)[0].lower() not in _WORDS else ""
    for word in rest.split(" ") if rest else []:
        if word.lower() in _WORDS:
            here = word.lower()
            if here in found:
                return Unclear((f"“{here}” stands there twice. Type it like: {HELP[0]}",))
            found[here] = []
        else:
            found.setdefault(here, []).append(word)
    said = {name: " ".join(words) for name, words in found.items()}
    empty = next((name for name, value in said.items() if not value), None)
    if empty is not None:
        return Unclear((f"What comes after “{empty}”? Type it like: {HELP[0]}",))
    return Away(said.get("from", ""), said.get("until", ""), said.get("cover", ""), said.get("because", ""), said.get("for", ""))


def _about(what: str, rest: str) -> About | Unclear:
    who, _, more = rest.partition(" ")
    if not who:
        return Unclear((f"Whose? Type it like: /truce {what} kim@nordwind.example",))
    if what == "reject":
        code, _, comment = more.partition(" ")
        return About(what, who, code=code.lower(), comment=comment)
    if what == "give":
        to, _, comment = more.removeprefix("to ").strip().partition(" ")
        return About(what, who, code=to, comment=comment) if to else Unclear((f"To whom? Type it like: /truce give {who} to ben@…",))
    if what == "note":
        return About(what, who, comment=more) if more else Unclear((f"What is to be noted? Type it like: /truce note {who} …",))
    if what in ("hold", "snooze"):
        until = more.removeprefix("until ").strip()
        example = f"/truce {what} {who} until {'Fri' if what == 'hold' else '14:30'}"
        return About(what, who, until=until) if until else Unclear((f"Until when? Type it like: {example}",))
    return About(what, who)
