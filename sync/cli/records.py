"""A lead's records as a person is told of them: in which order, by what they are known as theirs, and why there is none in a system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.registry import manifests
from sync.cli.people import Around
from sync.lead.state import precedence

BY = {
    "first": "the first that was seen of this person",
    "truce_id": "by its Truce id",
    "email": "by its e-mail address",
    "touch": "by the e-mail address of a touch that named it",
    "merged": "merged there with a record of theirs",
    "converted": "what a record of theirs was converted to",
    "created": "made by Truce",
    "linked": "found by their e-mail address when it was to be made",
}


def known_by(ref: str, record: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> str:
    """Say by what a record is known as this person's, as far as that was kept; `lines` are those of the timeline."""
    if origin := record.get("from_lead"):
        joined = (line["data"].get("reason") for line in lines if line["kind"] == "joined" and line["data"].get("lead") == origin)
        return f"joined with them: {next(joined, None) or 'why is no longer kept'}"
    written = (line["data"].get("outcome") for line in lines if line["kind"] == "written" and line["data"].get("ref") == ref)
    by = record.get("by") or next((one for one in written if one in ("created", "linked")), None)
    return BY.get(str(by), "by its Truce id or e-mail address (it came before Truce kept by which)")


def in_order(records: Mapping[str, dict[str, Any]], around: Around) -> list[tuple[str, dict[str, Any]]]:
    """Sort records, by their refs, by system, in each the one that is written first."""
    systems = around.playbook.systems if around.playbook else {}

    def place(one: tuple[str, dict[str, Any]]) -> tuple[Any, ...]:
        ref, record = one
        rules = systems.get(record["system"])
        return record["system"], *precedence(record["object"], record["last_at"], ref, rules.primary if rules else ())

    return sorted(records.items(), key=place)


def absent(doc: Mapping[str, Any], around: Around, system: str) -> str:
    """Say why a lead, as its document has it, has no record in a system."""
    rules = around.playbook.systems[system] if around.playbook else None
    making = doc.get("makes", {}).get(system)
    if around.duplicates:
        return "a duplicate waits for a person (truce duplicates)"
    if system in doc["blocked"]:
        return "it was refused"
    if rules is not None and not rules.creates:
        return "the playbook makes none there"
    if making and not making["object"]:
        return f"no rule of {making['rule']} lets it in{': ' if making['why'] else ''}{making['why']}"
    manifest = manifests().get(rules.vendor) if rules is not None else None
    if making and manifest is not None and making["object"] not in manifest.people:
        return f"it is to be a {making['object']} ({making['rule']}), which Truce cannot make there yet"
    if rules is not None and rules.mode_of(making["object"] if making else "") == "observe":
        return "it is in observe mode"
    return "it is to be written" if system in around.dirty else "it has no e-mail, or was judged before anybody was to be made there"
