"""The files of a first playbook: templates for what is the same everywhere, and fields.yaml as the two systems have it, each guess with a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sync.cli.init.known import STAGES
from sync.cli.init.matching import Mapped, Match, Matching
from sync.cli.init.people import Person, Team
from sync.cli.init.questions import Answers
from sync.cli.init.reading import Live
from sync.cli.init.spelling import slug

TEMPLATES = Path(__file__).parent / "template"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@+-]*( [A-Za-z0-9_.@-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
_WON, _LOST = re.compile(r"won|success", re.IGNORECASE), re.compile(r"lost|abandon|dead", re.IGNORECASE)


def quoted(text: object) -> str:
    """Write a value as YAML takes it: as it is, or in quotes where that would mean something else."""
    if isinstance(text, bool | int | float):
        return json.dumps(text)
    words = str(text)
    return words if _PLAIN.fullmatch(words) and words.lower() not in _WORDS else json.dumps(words, ensure_ascii=False)


@dataclass(frozen=True)
class Found:
    """All that a first playbook is made of."""

    crm: Live
    other: Live
    people: Matching
    accounts: Matching
    opportunities: Matching
    team: Team
    said: Answers


def files(found: Found) -> dict[str, str]:
    """Give every file of the playbook by its path in the folder."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )  # fmt: skip
    environment.filters["q"] = quoted
    shared = {one.known.name: one for one in found.people.found}
    values = {
        "crm": found.crm, "other": found.other, "said": found.said, "team": found.team, "has": set(shared), "shared": shared,
        "stages": reached(found.people, found.opportunities), "told": told_by_systems(found.people), "back": found.crm.name in shared["stage"].systems, "deals": deals(found.opportunities), "accounts": bool(found.accounts.found),
        "opportunities": bool(found.opportunities.found), "fields": "".join(fields(found.people)).rstrip(),
        "account_fields": "".join(fields(found.accounts)).rstrip(), "deal_fields": "".join(fields(found.opportunities)).rstrip(),
        "answers": answers(found.crm, found.other), "lacking": lacking(found.people), "members": _members(found), "deputy": next((one.email for one, _ in _members(found) if one.email != found.said.sales), ""), "currency": "USD" if found.said.country == "US" else "EUR",
    }  # fmt: skip
    return {name: environment.get_template(f"{name}.j2").render(values) for name in sorted(_names())}


def answers(*lives: Live) -> list[tuple[str, str, str]]:
    """Give of each system whose campaigns have statuses its title, those that count as a response, and those that do not."""

    def some(live: Live, *, responded: bool) -> str:
        return ", ".join(name for name, counts in live.about.answers.items() if counts is responded) or "none"

    return [(live.manifest.title, some(live, responded=True), some(live, responded=False)) for live in lives if live.about.answers]


def _names() -> Iterator[str]:
    for path in TEMPLATES.rglob("*.j2"):
        yield path.relative_to(TEMPLATES).as_posix().removesuffix(".j2")


def _members(found: Found) -> list[tuple[Person, str]]:
    """Give everybody of the team with a comment: reps, and who answers for a side whether they are users or not."""
    named = {one.email: one for one in found.team.people}
    wanted = [one for one in found.team.people if one.here]
    heads = [
        named.get(email) or Person(email, email.partition("@")[0].replace(".", " ").title())
        for email in (found.said.sales, found.said.marketing)
    ]
    return [(one, _stranger(one, found)) for one in dict.fromkeys([*wanted, *heads])]


def _stranger(one: Person, found: Found) -> str:
    gone = [live.manifest.title for live, there in ((found.crm, one.here), (found.other, one.there)) if not there and live.users]
    return f"guess: no active user of this address in {' and '.join(gone)}" if gone else ""


def lacking(matching: Matching) -> list[tuple[str, str]]:
    """Give Truce's own fields that some system has no field for, with the systems."""
    return [(name, " and ".join(titles)) for name, titles in matching.lacking.items()]


def reached(people: Matching, opportunities: Matching) -> list[str]:
    """Give the stages that something leads to: a rule, a yes or a no, a deal, or a system that can say it."""
    told, sold = told_by_systems(people), {"opportunity", "customer"} if opportunities.found else set()
    return [name for name in STAGES if name in told | sold | {"inquiry", "lead", "mql", "sal", "recycled", "disqualified"}]


def told_by_systems(people: Matching) -> set[str]:
    """Give the stages that some system can say."""
    stage = next(one for one in people.found if one.known.name == "stage")
    return {name for mapped in stage.systems.values() for name in (STAGES if not mapped.spelled.values else _read(mapped))}


def _read(mapped: Mapped) -> set[str]:
    return {ours for ours, theirs in mapped.spelled.values.items() if mapped.spelled.reads.get(theirs, ours) == ours}


def within(people: Matching, stages: Sequence[str]) -> Matching:
    """Leave out of each system's spelling the stages that there are not."""

    def kept(mapped: Mapped) -> Mapped:
        values = {ours: theirs for ours, theirs in mapped.spelled.values.items() if ours in stages}
        return replace(mapped, spelled=replace(mapped.spelled, values=values))

    def told(one: Match) -> Match:
        return replace(one, systems={name: kept(mapped) for name, mapped in one.systems.items()}) if one.known.name == "stage" else one

    return replace(people, found=[told(one) for one in people.found])


def deals(matching: Matching) -> list[tuple[str, str, str]]:
    """Give the stages of opportunities: ours, theirs, and whether that is open, won or lost."""
    stage = next((one for one in matching.found if one.known.name == "stage"), None)
    seen = next(iter(stage.systems.values())).seen if stage else None
    return [(slug(value), value, _is(f"{value} {label}")) for value, label in seen.values] if seen else []


def _is(text: str) -> str:
    return "won" if _WON.search(text) else "lost" if _LOST.search(text) else "open"


def fields(matching: Matching) -> Iterator[str]:
    """Write shared fields, each with the guess behind it."""
    for one in matching.found:
        known = one.known
        yield f"  {known.name}:{_comment(known.why)}\n"
        yield from (f"    # ! {_flat(note)}\n" for note in one.notes)
        yield f"    type: {known.kind}\n    policy: {known.policy}\n"
        yield "    personal: true\n" if known.personal else ""
        yield f"    consent: {known.consent}\n" if known.consent else ""
        yield f"    values: [{', '.join(map(quoted, one.values))}]{_comment('guess: what both have by name')}\n" if one.values else ""
        yield "    systems:\n"
        for system, mapped in one.systems.items():
            yield from _mapping(system, mapped)


def _comment(text: str) -> str:
    return f"  # {_flat(text)}" if text else ""


def _flat(text: str) -> str:
    """Give a text as it may stand in a comment: what a vendor calls its own may have line breaks."""
    return " ".join(text.split())


def _mapping(system: str, mapped: Mapped) -> Iterator[str]:
    seen, spelled, objects = mapped.seen, mapped.spelled, mapped.objects
    same = not (spelled.reads or spelled.unread) and all(ours == theirs for ours, theirs in spelled.values.items())
    if same and not mapped.read_only and not objects:
        yield f"      {system}: {quoted(seen.name)}\n"
        return
    yield f"      {system}:\n        name: {quoted(seen.name)}\n"
    there = "guess: false: it has none" if "" in objects.values() else "guess: it is called so there"
    yield f"        objects: {_flow(objects)}{_comment(there)}\n" if objects else ""
    yield f"        read_only: true{_comment('guess: it is asked there and never told')}\n" if mapped.read_only else ""
    yield f"        values:{_comment('guess: by name, ours and theirs')}\n" if spelled.values else ""
    for ours, theirs in spelled.values.items():
        why = "guess: there is none of this name, its neighbour stands for it" if ours in spelled.lacking else ""
        yield f"          {quoted(ours)}: {quoted(theirs)}{_comment(why)}\n"
    yield f"        reads:{_comment('guess: by name, theirs and ours')}\n" if spelled.reads else ""
    yield from (f"          {quoted(theirs)}: {quoted(ours)}\n" for theirs, ours in spelled.reads.items())
    yield from _unread(mapped)


def _unread(mapped: Mapped) -> Iterator[str]:
    """Write a line for each value there that is none of ours, to be filled in: with how many people have it, where they were counted."""
    spelled = mapped.spelled
    if spelled.unread and not spelled.reads:
        yield f"        # reads:{_comment('theirs and ours: take the # away from this line and from those below that you fill in')}\n"
    for value in spelled.unread:
        many = mapped.people.get(value)
        who = "" if many is None else "1 person has it" if many == 1 else f"{many:,} people have it"
        yield f"          # {_flat(quoted(value))}: ?{_comment(who)}\n"


def _flow(some: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: {quoted(value) if value else 'false'}" for name, value in some.items()) + "}"


def guessed(found: Found) -> Sequence[tuple[str, Match]]:
    """Give the fields that a person should look at, each with the part of fields.yaml in which it stands."""
    parts = (("fields", found.people), ("accounts", found.accounts), ("opportunities", found.opportunities))
    return [(part, one) for part, matching in parts for one in matching.found if one.notes]
