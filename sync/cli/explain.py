"""How `truce explain` reads: where a lead stands, why, what happened, what was kept aside, what happens next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from sync.cli.account import tell_account
from sync.cli.coming import coming
from sync.cli.handed import owed
from sync.cli.happened import happened
from sync.cli.lacks import lacks
from sync.cli.names import ANSWERED, Names, stage
from sync.cli.people import Around
from sync.cli.records import absent, in_order, known_by
from sync.lead.state import to_ms

Say = Callable[[str], None]


def render(
    console: Console, row: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], who: str, around: Around | None = None, *, now: int
) -> None:
    """Print a lead's story, as it is `now` (ms)."""
    lines = list(lines)
    teller = Teller(lambda text: console.print(text, markup=False), row["doc"], around or Around())
    teller.head(who, now)
    teller.stands()
    teller.same(lines)
    tell_account(teller.say, teller.doc, teller.around.account, teller.person, teller.ref)
    teller.why("stage")
    for text in lacks(teller, now):
        teller.say(text)
    for what in ("owner", "handoff"):
        teller.why(what)
    for text in happened(teller, lines, now):
        teller.say(text)
    teller.aside()
    teller.open()
    for text in coming(teller, now):
        teller.say(text)


class Teller(Names):
    """Tells one lead's story, part by part."""

    def __init__(self, say: Say, doc: Mapping[str, Any], around: Around) -> None:
        super().__init__(doc, around)
        self.say = say

    def head(self, who: str, now: int | None = None) -> None:
        """Say in one line who it is, where they stand and with whom; now also what is owed by when."""
        doc = self.doc
        name = " ".join(str(self.desired(part)) for part in ("first_name", "last_name") if self.desired(part)) or who
        where = stage(self.desired("stage")) or "no stage"
        since = f" since {self.day_and_time(doc['stage_since'])} ({self.zone})" if doc["stage_since"] else ""
        owner = self.desired("owner")
        parts = (name, self.desired("company"), where + since, f"with {self.person(owner)}" if owner else "with nobody")
        due = owed(self, now) if now is not None else ""
        self.say(" · ".join(str(part) for part in (*parts, due, "" if since else f"times in {self.zone}") if part))

    def stands(self) -> None:
        """Say how far the systems agree, and what is in the way."""
        doc = self.doc
        if doc["erased"]:
            self.say("Erased: nothing of this person is kept, and no record is made again.")
        elif doc["undecided"]:
            self.say(f"Set aside: {doc['scope_rule']}. Until then no record is made for it.")
        elif not doc["in_scope"]:
            self.say(f"Outside the sync scope ({doc['scope_rule']}): only an opt-out crosses, nothing else is kept.")
        live: dict[str, dict[str, Any]] = {}
        for ref, record in in_order(doc["records"], self.around):
            if record["gone"]:
                became = f" → {self.ref(record['became'])}" if record["became"] else "; not made again"
                self.say(f"{self.ref(ref)}: {record['gone']}{became}")
            elif self.playbook is not None and record["system"] in self.playbook.doors:
                continue  # what came through a door: nothing can be told there
            elif record["system"] in live:
                self.say(f"{self.ref(ref)}: one more record of this person; only an opt-out is written to it")
            else:
                live[record["system"]] = record
        if doc["in_scope"]:
            self._agreement(live)
        for system, record in live.items():
            for name, refused in record["refused"].items():
                self.say(f"  ✘ {self.system(system)} refused {name} {self.value(name, refused['value'])}: {refused['words']}")

    def same(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Tell by what each record is known as this person's, where there are several."""
        doors = self.playbook.doors if self.playbook is not None else {}
        records = [(ref, record) for ref, record in in_order(self.doc["records"], self.around) if record["system"] not in doors]
        if len(records) > 1:
            said = (f"{self.ref(ref)}: {known_by(ref, record, lines)}" for ref, record in records)
            self.say(f"Same person   {' · '.join(said)}")

    def _agreement(self, live: Mapping[str, Mapping[str, Any]]) -> None:
        systems = [self.system(name) for name in live]
        shared = [name for name in self.doc["desired"] if self._in_all(name, live)]
        wrong: dict[str, list[str]] = {}
        for system, record in live.items():
            for name in shared:
                seen, wanted = record["fields"].get(name), self.desired(name)
                shown = seen["value"] if seen else None
                if shown != wanted and (shown or wanted):
                    unread = "shows nothing known" if seen is None else self.value(name, shown)
                    wrong.setdefault(name, []).append(f"{self.system(system)} {unread}")
        if len(live) > 1:
            self.say(f"{' and '.join(systems)} agree on {len(shared) - len(wrong)} of {len(shared)} shared fields.")
        elif live:
            self.say(f"Only in {systems[0]}: {len(shared) - len(wrong)} of {len(shared)} shared fields are as they should be.")
        for name, shown in wrong.items():
            self.say(f"  ✘ {name} should be {self.value(name, self.desired(name))}; {' · '.join(shown)}")
        for system in self.playbook.told if self.playbook else ():
            if system not in live and not any(record["system"] == system for record in self.doc["records"].values()):
                self.say(f"No record in {self.system(system)}: {absent(self.doc, self.around, system)}")

    def _in_all(self, name: str, live: Mapping[str, Mapping[str, Any]]) -> bool:
        """Say whether each of these records has the field, by the playbook, else by what was seen of them."""
        shared = self.playbook.fields.get(name) if self.playbook else None
        named = (
            {system: spelled.name_of(live[system]["object"]) for system, spelled in shared.systems.items() if system in live}
            if shared
            else {}
        )
        return all(named.get(system) if shared else name in record["fields"] for system, record in live.items())

    def why(self, what: str) -> None:
        """Show one decision: its rule, every line that was looked at with the values it saw, who was passed over."""
        why = self.doc["why"].get(what)
        if not why:
            return
        now = why["owner"] if what == "handoff" else self.desired(what)
        title = f"Why {(stage(now) or 'no stage') if what == 'stage' else self.person(now)}{' (no MQL)' if what == 'handoff' else ''}?"
        how = f" · {why['how']}" if why.get("how") else ""
        said = f" · as {self.ref(why['ref'])} says" if why.get("ref") else ""
        rule = f"{why['rule']}, " if why.get("rule") else ""
        self.say(f"{title:<13} {rule}playbook v{why.get('version', '?')}{how}{said}")
        for score in ("fit", "engagement"):
            for points in why.get(score, ()):
                self.say(f"    {score:<12}{points['points']:+g}  {points['label']}{_seen(points)} ({points['where']})")
        for line in why.get("lines", []):
            self.say(f"  {_line(line)}")
        over = [f"{self.person(one['who'])} ({one['why']})" for one in why.get("passed_over", [])]
        if over or why.get("tally"):
            turn = f"{self.person(why['turn_of'])}, whose turn it was," if why.get("turn_of") else self.person(why.get("owner"))
            self.say("     " + ". ".join(_passed(over, turn, why.get("tally"))))
        if what == "owner" and why.get("owner") and now != why["owner"]:
            self.say(f"     Truce chose {self.person(why['owner'])}; since then it was changed by hand to {self.person(now)}")

    def aside(self) -> None:
        """Tell what lost, and why."""
        for field, kept in self.doc["aside"].items():
            won = self.doc["desired"].get(field)
            whose = self.ref(won["ref"]) if won else ""
            now = (
                f", {whose if whose == ANSWERED else self.system(won['ref'].partition(':')[0])} says {self.value(field, won['value'])}"
                if won
                else ""
            )
            self.say(f"Kept aside    {field} {self.value(field, kept['value'])} ({self.ref(kept['ref'])}): {kept['reason']}{now}")

    def open(self) -> None:
        """Tell what waits: for a person, for a pause, for the writers."""
        doc, around = self.doc, self.around
        if doc["held"]:
            self.say(
                f"Held          the hand-off: {doc['held']}; it goes on with the next act of this person or of a rep, or by truce rejudge --hand-over"
            )
        for one in around.duplicates:
            others = " or ".join(named(person) for person in one["people"] if person["lead_id"] != str(doc["id"]))
            self.say(f"Asks you      is it one person with {others}? {one['reason']}: truce duplicates")
        for problem in around.problems:
            if problem["kind"] not in ("duplicate", "held"):
                self.say(f"Problem       {problem['text']} (since {self.day_and_time(to_ms(problem['opened_at']))})")
        for system, block in doc["blocked"].items():
            self.say(f"Problem       {self.system(system)} would not make the record: {block['words']}")
        for name in doc["frozen"]:
            self.say(f"Frozen        {name} went to and fro too often; it is left alone for a while")
        for pause in around.pauses:
            if self._concerned(pause["scope"]):
                self.say(f"Paused        {pause['scope'].rpartition(':')[2]} by {pause['by']}: {pause['reason']}")
        if around.dirty:
            self.say(f"To be written {', '.join(self.system(name) for name in around.dirty)}")
        if around.would:
            systems = sorted({self.system(row["system"]) for row in around.would})
            values = "1 value is" if len(around.would) == 1 else f"{len(around.would)} values are"
            self.say(f"Observe mode  {values} not written to {' and '.join(systems)}; truce observe report")

    def _concerned(self, scope: str) -> bool:
        kind, _, name = scope.partition(":")
        return scope == "all" or (name in self.around.dirty if kind == "system" else bool(self.around.dirty))


def named(person: Mapping[str, Any]) -> str:
    """Name a person of an open question: who they are, and which records show it."""
    refs = ", ".join(person["refs"])
    return " · ".join(text for text in (person["name"], person["email"], refs or person["lead_id"]) if text)


def _passed(over: Sequence[str], turn: str, tally: str | None) -> Iterable[str]:
    """Tell who was passed over, and how the one whose turn it was stands in the pool."""
    if over:
        yield f"passed over: {' · '.join(over)}"
    if tally:
        yield f"{turn} has {tally}"


def _seen(points: Mapping[str, Any]) -> str:
    if points.get("why"):
        return f": {points['why']}"
    return f", {points['touches']} times" if points.get("touches", 1) > 1 else ""


def _line(line: Mapping[str, Any]) -> str:
    """Tell one line that was looked at; a condition of more than one part shows its text, because its values alone say little."""
    mark = "✔" if line.get("matched") else "✘"
    inner = line.get("lines")
    reasons = " · ".join(_reason(one) for one in inner) if inner else _reason(line) or "matches always"
    return (
        f"{mark} {line.get('where', ''):<18} {line.get('id', ''):<20} {reasons}".rstrip()
        if "id" in line
        else f"{mark} {line.get('where', ''):<18} {reasons}"
    )


def _reason(line: Mapping[str, Any]) -> str:
    text, why = str(line.get("text") or ""), str(line.get("why") or "")
    return f"{text}: {why}" if "&&" in text or "||" in text else why or text
