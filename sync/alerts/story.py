"""A lead told for the person who gets it: who they are, why now, why you, what to know and what to say. Texts are raw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from connectors.registry import manifests
from sync.alerts.channel import Link
from sync.lead.state import from_ms
from sync.playbook.models import MQL, Playbook, number, queue_of

DAY_MS = 86_400_000
NEWEST = 3
_ACTS = {
    "form": "filled in {name}",
    "visit": "looked at {name}",
    "click": "clicked in {name}",
    "open": "opened {name}",
    "meeting": "meeting {name}",
    "campaign": "answered {name}",
    "other": "{name}",
}
_TURNS = {"round robin": "your turn", "weighted": "your turn"}
"""What the choice says of itself → what it says to the one who was chosen."""


_OURS = "given on by truce: "
"""How a choice begins that is Truce's own errand: somebody covers, or is back."""


class Story:
    """Tells one lead, as it is `now` (ms); `account` is what conditions see of its account now."""

    def __init__(self, doc: Mapping[str, Any], playbook: Playbook, now: int, account: Mapping[str, Any]) -> None:
        self.doc, self.playbook, self.now, self.account = doc, playbook, now, account

    def value(self, name: str) -> Any:
        """Give what every system should show for a field."""
        return ((self.doc.get("desired") or {}).get(name) or {}).get("value")

    def person(self, email: object) -> str:
        """Give the name of one of us."""
        if not email:
            return "nobody"
        if (queue := queue_of(email)) is not None:
            return f"the queue {queue}"
        rep = self.playbook.reps.get(str(email))
        return rep.name if rep else str(email)

    def system(self, name: str) -> str:
        """Give a system as its vendor writes it; one that is not known as it is named here."""
        manifest = manifests().get(self.playbook.systems[name].vendor if name in self.playbook.systems else name)
        return manifest.title if manifest else name

    @cached_property
    def name(self) -> str:
        """The person's name, else their address."""
        parts = (self.value("first_name"), self.value("last_name"))
        return " ".join(str(one) for one in parts if one) or str(self.value("email") or "somebody without a name")

    @cached_property
    def title(self) -> str:
        """What the person does."""
        return str(self.value("title") or "")

    @cached_property
    def company(self) -> str:
        """The company's name."""
        return str(self.value("company") or self.account.get("account.name") or "a company without a name")

    @cached_property
    def where(self) -> str:
        """The company with its size and place: Nordwind AS (820 people, Norway)."""
        size, place = self.value("employees"), self.value("city") or self.value("country")
        more = [f"{number(size)} people"] if isinstance(size, int | float) and size else []
        more += [_country(str(place))] if place else []
        return f"{self.company} ({', '.join(more)})" if more else self.company

    @cached_property
    def stage(self) -> str:
        """The lifecycle stage, as people write it."""
        stage = str(self.value("stage") or "")
        return stage.upper() if stage in ("mql", "sal", "sql") else stage

    def why_now(self) -> str:
        """Say what the person did last."""
        return " · ".join(self._acts())

    def _acts(self) -> Iterator[str]:
        told: set[tuple[str, str]] = set()
        touches = sorted(self.doc.get("touches") or (), key=lambda one: -one["at"])
        for touch in touches:
            kind, name = str(touch["kind"]), str(touch.get("name") or "")
            if (kind, name) in told or len(told) == NEWEST:
                continue
            told.add((kind, name))
            same = [one for one in touches if (one["kind"], one.get("name") or "") == (kind, name) and one["at"] > self.now - 7 * DAY_MS]
            what = _ACTS.get(kind, "{name}").format(name=f'"{name}"' if name else _bare(kind)).strip()
            yield f"{what} {len(same)} times this week" if len(same) > 1 else f"{what} {_ago(touch['at'], self.now)}"

    def why_you(self, note: Mapping[str, Any]) -> str:
        """Say by which rule, and how, the person was chosen."""
        why = (self.doc.get("why") or {}).get("owner" if (note.get("kind") or MQL) == MQL else "handoff") or {}
        rule = str(why.get("rule") or note.get("rule") or "").rpartition(" ")[2].replace("-", " ")
        how = str(why.get("how") or "")
        for by, words in _TURNS.items():
            how = how.replace(by, words)
        before = self._before(note)
        if how.startswith(_OURS):
            how, before = _stand_in(how.removeprefix(_OURS), before)
        return (
            before
            if how.startswith("given on by ") and "gave it to you" in before
            else ", ".join(one for one in (rule, how, before) if one)
        )

    def _before(self, note: Mapping[str, Any]) -> str:
        """Say how whoever had it before came to have it no more, with what they said of it."""
        ended = [one for one in (note.get("offers") or ()) if one.get("ended")]
        if not ended:
            return ""
        last = ended[-1]
        code, who = str(last.get("reason") or ""), self.person(last.get("owner"))
        if last["ended"] == "rejected":
            reason = self.playbook.slas.reasons.get(code)
            said = ": ".join(one for one in ((reason.label or code) if reason else code, str(last.get("comment") or "")) if one)
            return f"{who} gave it back{f' ({said})' if said else ''}"
        if last["ended"] == "expired":
            return f"{who} did not answer in time"
        by = str(last.get("by") or "")
        if last["ended"] == "moved" and "@" in by:
            said = str(last.get("comment") or code)
            said = "" if said.startswith("given on by ") else said
            return f"{self.person(by)} gave it to you{f' ({said})' if said else ''}"
        return f"{who} had it before" if last["ended"] == "moved" else ""

    def known(self) -> str:
        """Say what to know before the first call: deals, the account's owner, what they may be sent."""
        return " · ".join(self._known())

    def _known(self) -> Iterator[str]:
        if "account.open_opportunities" in self.account:
            open_ = self.account["account.open_opportunities"] or 0
            yield "no open opportunity" if not open_ else f"{open_:g} open {'opportunities' if open_ > 1 else 'opportunity'}"
        if "account.owner" in self.account:
            owner = self.account["account.owner"]
            yield f"account is with {self.person(owner)}" if owner else "account has no owner"
        said = sorted((self.doc.get("consent") or {}).items())
        if said:
            words = [f"{kind.replace('_', ' ')} {'no' if one.get('opted_out') else 'yes'}" for kind, one in said]
            yield f"may be contacted: {', '.join(words)}"

    def to_say(self) -> tuple[str, tuple[Link, ...]]:
        """Say what marketing approved for the lead's stage and segment, else for an MQL of it, with its material and where that is."""
        content, segment = self.playbook.content, self.doc.get("segment") or None
        stages = dict.fromkeys((str(self.value("stage") or MQL), MQL))
        stage, message = next(((one, found) for one in stages if (found := content.message(one, segment)) is not None), (MQL, None))
        if message is None:
            return "", ()
        shown = (one for one in content.fitting(stage, segment) if one.id in message.material)
        # what is called as the message itself is named by its kind
        named = ((one, one.kind if one.title == message.say else one.title) for one in shown)
        return f'"{message.say}"', tuple(Link(f"{name} v{one.version}", one.url) for one, name in named)

    def links(self, patterns: Mapping[str, str]) -> tuple[Link, ...]:
        """Give where the person's records are, by address patterns of their systems; one per system."""
        found: dict[str, Link] = {}
        for ref, record in sorted((self.doc.get("records") or {}).items()):
            system, _, rest = ref.partition(":")
            if record.get("gone") or system not in patterns or system in found or not _sales(system, self.playbook):
                continue
            kind, _, ident = rest.partition(":")
            url = patterns[system].replace("{object}", kind).replace("{id}", ident)
            found[system] = Link(f"Open in {self.system(system)}", url)
        return tuple(found.values())


def _stand_in(how: str, before: str) -> tuple[str, str]:
    """Say to who covers, or is back, why they have it, and how it came from whoever had it."""
    if how.startswith("covers "):
        return f"you cover {how.removeprefix('covers ')}", ""
    return ("you are back", before) if how.endswith(" is back") else (how, before)


def _sales(system: str, playbook: Playbook) -> bool:
    return system not in playbook.systems or playbook.side(system) == "sales"


def _bare(kind: str) -> str:
    return {"form": "a form", "visit": "a page", "click": "a message", "open": "a message", "campaign": "a campaign"}.get(kind, "")


def _country(place: str) -> str:
    if len(place) != 2:
        return place
    from babel import Locale

    return str(Locale("en").territories.get(place.upper(), place))


def _ago(at: int, now: int) -> str:
    """Give how long ago: 2 min ago, 3 h ago, on 14 Nov."""
    minutes = max(0, (now - at) // 60_000)
    if minutes < 60:
        return f"{minutes} min ago" if minutes else "just now"
    if minutes < 1440:
        return f"{minutes // 60} h ago"
    when = from_ms(at)
    return f"on {when.day} {when:%b}"
