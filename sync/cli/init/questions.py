"""What `truce init` asks, at most seven questions, each with a guess and why. Pure but for the asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from phonenumbers import SUPPORTED_REGIONS

from sync.cli.init.edited import Share
from sync.cli.init.matching import Match, Matching
from sync.cli.init.people import Team, is_email

MOST = 7
OWNED = ("phone", "title", "company")
"""Fields whose owner is asked for, the one that is quarrelled over most first."""


@dataclass(frozen=True)
class Question:
    """One question; `choices` may be none, where any text that `fits` is an answer."""

    key: str
    text: str
    guess: str
    choices: Sequence[str] = ()
    fits: Callable[[str], bool] = bool


@dataclass(frozen=True)
class Answers:
    """All that was asked or guessed."""

    sales: str
    marketing: str
    timezone: str
    country: str
    policies: dict[str, str]
    left: frozenset[str] = frozenset()
    """Shared fields that are not shared after all."""


def questions(matching: Matching, team: Team, timezone: str, country: str, shares: Mapping[str, Share] = {}) -> list[Question]:
    """Give the questions that matter most, with guesses; `shares`: where each field was changed of late."""
    found = [
        Question("sales", "Who answers for sales? (e-mail)", team.sales, fits=is_email),
        Question("marketing", "Who answers for marketing? (e-mail)", team.marketing, fits=is_email),
        Question("timezone", "Which time zone do days and working hours go by?", timezone, fits=lambda text: text in available_timezones()),
        Question("country", "How is a phone number without a country code read? (two letters)", country, fits=_is_country),
    ]
    lists = [one for one in matching.found if one.values and one.notes and not one.known.words]
    found += [
        Question(f"list:{one.known.name}", f'"{one.known.name}": {one.notes[0].partition(";")[0]}. Share it?', "yes", ("yes", "no"))
        for one in lists
    ]
    asked = [one for name in OWNED for one in matching.found if one.known.name == name]
    found += [
        Question(f"policy:{one.known.name}", _whose(one, shares), guessed(one, shares), ("sales", "marketing", "latest")) for one in asked
    ]
    return found[:MOST]


def _is_country(text: str) -> bool:
    return text in SUPPORTED_REGIONS


def guessed(one: Match, shares: Mapping[str, Share]) -> str:
    """Give whose value wins in all probability: of the side that clearly changes it, else as usual."""
    share = shares.get(one.known.name)
    return (share.owner if share is not None else None) or one.known.policy


def _whose(one: Match, shares: Mapping[str, Share]) -> str:
    return f'Who owns "{one.known.name.replace("_", " ")}"? ({shares.get(one.known.name) or one.known.why})'


def answers(asked: Iterable[Question], ask: Callable[[Question], str]) -> Answers:
    """Ask each question; what nobody is asked is as guessed."""
    said = {one.key: ask(one) for one in asked}
    policies = {key.removeprefix("policy:"): value for key, value in said.items() if key.startswith("policy:")}
    left = frozenset(key.removeprefix("list:") for key, value in said.items() if key.startswith("list:") and value == "no")
    return Answers(said["sales"].lower(), said["marketing"].lower(), said["timezone"], said["country"], policies, left)


def settled(matching: Matching, said: Answers, shares: Mapping[str, Share] = {}) -> Matching:
    """Give the fields as the answers have them, each with where it was changed of late."""

    def told(one: Match) -> Match:
        share, policy = shares.get(one.known.name), said.policies.get(one.known.name, one.known.policy)
        why = f"guess: {share}" if share is not None and one.known.name in OWNED else one.known.why
        return replace(one, known=one.known._replace(policy=policy, why=why))

    return replace(matching, found=[told(one) for one in matching.found if one.known.name not in said.left])
