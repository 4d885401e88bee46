"""The paths of contacts: lists with `where`, batches row by row, do-not-contact, stages and segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from connectors.emulator.mautic.contacts import Actor, Contact, Contacts
from connectors.emulator.mautic.shapes import TROUBLE, Refused, Shape, User, blanked, contact, listed, refused
from connectors.emulator.mautic.wire import Call, Door

NOT_FOUND = "Item was not found."
_COLUMNS = {"date_added": "added", "date_modified": "modified", "date_identified": "identified", "id": "id"}


class Api:
    """The handlers of contacts."""

    def __init__(self, contacts: Contacts, users: Mapping[int, User], stages: Mapping[int, str], segments: Mapping[int, str]) -> None:
        self.contacts, self.users, self.stages, self.segments = contacts, users, stages, segments

    def doors(self) -> list[Door]:
        """Give the paths, fixed ones first."""
        return [
            ("GET", "/api/contacts", self.listing, False),
            ("POST", "/api/contacts/new", self.new, True),
            ("POST", "/api/contacts/batch/new", self.new_ones, True),
            ("PATCH", "/api/contacts/batch/edit", self.edit_ones, True),
            ("PUT", "/api/contacts/batch/edit", self.edit_ones, True),
            ("GET", "/api/contacts/{id:int}", self.one, False),
            ("PATCH", "/api/contacts/{id:int}/edit", self.edit, True),
            ("PUT", "/api/contacts/{id:int}/edit", self.edit, True),
            ("DELETE", "/api/contacts/{id:int}/delete", self.delete, True),
            ("POST", "/api/contacts/{id:int}/dnc/{channel}/add", partial(self.dnc, adds=True), True),
            ("POST", "/api/contacts/{id:int}/dnc/{channel}/remove", partial(self.dnc, adds=False), True),
            ("GET", "/api/segments/{of:int}", self.segment, False),
            ("POST", "/api/{list}/{of:int}/contact/{id:int}/add", partial(self.member, adds=True), True),
            ("POST", "/api/{list}/{of:int}/contact/{id:int}/remove", partial(self.member, adds=False), True),
        ]

    def show(self, one: Contact, *, fresh: bool = False, flags: Callable[[int], Any] = int) -> Shape:
        """Give a contact as the API does."""
        return contact(one, self.contacts.schema, self.users, self.stages, fresh=fresh, flags=flags)

    def _echo(self, call: Call, one: Contact, row: Mapping[str, Any], status: int) -> Shape:
        """Give a contact as a write of it is answered."""
        shown = self.show(one, fresh=status == 201, flags=bool)
        blanks = call.method == "PUT" or row.get("overwriteWithBlank")
        return blanked(shown, self.contacts.schema) if blanks else shown

    def listing(self, call: Call) -> tuple[int, Any]:
        """Give contacts that fit `where`; an unknown column is an error of the server."""
        known = {*_COLUMNS, *self.contacts.schema.by_alias}
        if any(one.get("col") not in known for one in call.clauses("where")):
            raise Refused(500, TROUBLE, kind=None)
        seen = [one for one in self.contacts.live.values() if one.id not in self.contacts.hidden]
        found = [one for one in seen if call.fits(lambda name, one=one: _column(one, name))]  # type: ignore[misc]
        found.sort(key=lambda one: one.id, reverse=call.query.get("orderByDir", "").lower() == "desc")
        start = int(call.query.get("start", "0"))
        page = found[start : start + (int(call.query.get("limit", "30")) or 30)]
        return 200, {"total": str(len(found)), "contacts": {str(one.id): self.show(one, flags=str) for one in page}}

    def one(self, call: Call) -> tuple[int, Any]:
        """Give a contact; by the id of a merged one, the one that it was merged into."""
        return 200, {"contact": self.show(self._known(call))}

    def new(self, call: Call) -> tuple[int, Any]:
        """Make a contact, or change the one that holds a unique value."""
        row = call.row()
        status, one = self._make(call, row)
        return status, {"contact": self._echo(call, one, row, status)}

    def new_ones(self, call: Call) -> tuple[int, Any]:
        """Make or change contacts, row by row."""
        return self._batch(call, 201, lambda row: self._make(call, row))

    def edit(self, call: Call) -> tuple[int, Any]:
        """Change a contact; PUT makes one that is not there."""
        row = call.row()
        if call.method == "PUT" and self.contacts.find(call.params["id"]) is None:
            return 201, {"contact": self.show(self.contacts.insert(self._valid(call, row, None), call.actor), fresh=True)}
        one = self._known(call)
        self._save(call, one, row)
        return 200, {"contact": self._echo(call, one, row, 200)}

    def edit_ones(self, call: Call) -> tuple[int, Any]:
        """Change contacts, row by row; PUT blanks what a row does not name, and makes those that are not there."""
        return self._batch(call, 200, lambda row: self._edited(call, row))

    def delete(self, call: Call) -> tuple[int, Any]:
        """Delete a contact."""
        one = self._known(call)
        self.contacts.delete(one, call.actor)
        shown = self.show(one)
        shown["fields"]["all"]["id"] = None
        return 200, {"contact": {**shown, "id": None}}

    def dnc(self, call: Call, *, adds: bool) -> tuple[int, Any]:
        """Put a contact on a do-not-contact list, or take it off."""
        one, asked = self._known(call), call.row()
        reason = int(asked.get("reason") or 3) if adds else 0
        by = call.actor._replace(way="")
        was = self.contacts.consent(one, call.params["channel"], reason, str(asked.get("comments") or ""), by)
        return 200, {**({} if adds else {"recordFound": was}), "contact": self.show(one)}

    def segment(self, call: Call) -> tuple[int, Any]:
        """Give a segment."""
        of = call.params["of"]
        if of not in self.segments:
            raise Refused(404, NOT_FOUND)
        return 200, {"list": self._segment(of)}

    def _segment(self, of: int) -> dict[str, Any]:
        name = self.segments[of]
        return {"isPublished": True, "id": of, "name": name, "publicName": name, "alias": name.lower(), "filters": []}

    def member(self, call: Call, *, adds: bool) -> tuple[int, Any]:
        """Add a contact to a segment or stage, or remove it."""
        of = call.params["of"]
        if of not in {"segments": self.segments, "stages": self.stages}.get(call.params["list"], {}):
            raise Refused(404, NOT_FOUND)
        if call.params["list"] == "segments" and self.contacts.find(call.params["id"]) is None:
            raise Refused(404, "Contact not found.")
        one = self._known(call)
        if call.params["list"] == "stages":
            self.contacts.change(one, {}, call.actor, stage=of if adds else None)
        else:
            self.join(one, of, call.actor, adds=adds)
        return 200, {"success": 1}

    def join(self, one: Contact, segment: int, actor: Actor, *, adds: bool) -> None:
        """Put a contact into a segment, or take it out, which is no change of the contact: neither its time nor the audit log tells of it."""
        rows, (of, who) = self.contacts.tables["lead_lists_leads"], (str(segment), str(one.id))
        held = next((row for row in rows if (row["leadlist_id"], row["lead_id"]) == (of, who)), None)
        if (held is not None) == adds:
            return
        if held is not None:
            rows.remove(held)
        now = f"{self.contacts.now():%Y-%m-%d %H:%M:%S}"
        if adds:
            rows.append({"leadlist_id": of, "lead_id": who, "date_added": now, "manually_removed": "0", "manually_added": "1"})
        verb = "added" if adds else "removed"
        about = {"bundle": "lead", "object": "segment", "action": verb, "object_id": of, "date_added": now}
        properties = f'{{"object_description":"{self.segments[segment]}"}}'
        self.contacts.note("lead_event_log", {"lead_id": who, "user_name": actor.name, **about, "properties": properties})
        self.contacts.journal.effect(actor.client, "update", "segment", of, {who: not adds}, {who: adds})
        self.contacts.tell("mautic.lead_list_change", one, {"action": verb, "segment": self._segment(segment)})

    def _known(self, call: Call) -> Contact:
        call.rows = 1
        one = self.contacts.find(call.params["id"])
        if one is None or one.id in self.contacts.hidden:
            raise Refused(404, NOT_FOUND)
        return one

    def _batch(self, call: Call, status: int, save: Any) -> tuple[int, Any]:
        rows = call.json()
        if not isinstance(rows, list):
            raise Refused(500, TROUBLE, kind=None)
        if len(rows) > 200:
            raise Refused(500, "A max of 200 entities are supported at a time.")
        call.rows = len(rows)
        found, codes, errors = dict[int, Any](), list[int](), dict[int, Any]()
        for place, row in enumerate(one if isinstance(one, dict) else {} for one in rows):  # what is no object is a row without anything
            try:
                code, one = save(row)
                found[place] = self._echo(call, one, row, code)
            except Refused as error:
                if (code := error.status) == 500:
                    raise  # the rows before it are saved all the same
                told = error.body["errors"][0]
                errors[place] = {**told, "type": None} if told.get("details") else {"message": told["message"], "code": code, "type": "api"}
                if status == 200 and (named := self.contacts.live.get(int(row.get("id") or 0))):
                    found[place] = refused(self.show(named))
            codes.append(code)
        return status, {"contacts": listed(found), "statusCodes": codes, **({"errors": listed(errors)} if errors else {})}

    def _make(self, call: Call, row: Mapping[str, Any]) -> tuple[int, Contact]:
        unique = [known.alias for known in self.contacts.schema.by_alias.values() if known.unique]
        held = next((one for name in unique if (one := self.contacts.holder(name, row.get(name)))), None)
        if held is not None:
            self._save(call, held, row)
            return 200, held
        kept = self._valid(call, row, None)
        given = {name: value for name, value in kept.items() if value is not None and not self._unsaid(name, row[name])}
        one = self.contacts.insert(given, call.actor)
        one.owner, one.stage = row.get("owner") or None, row.get("stage") or None
        self._consents(call, one, row)
        one.modified = one.modified_by = None  # what comes with the making is no change of it
        return 201, one

    def _edited(self, call: Call, row: Mapping[str, Any]) -> tuple[int, Contact]:
        one = self.contacts.live.get(int(row.get("id") or 0))
        if one is not None:
            self._save(call, one, row)
            return 200, one
        if call.method == "PATCH":
            raise Refused(404, NOT_FOUND)
        return 201, self.contacts.insert(self._valid(call, row, None), call.actor)

    def _save(self, call: Call, one: Contact, row: Mapping[str, Any]) -> None:
        """PATCH and POST leave out blanks, unless `overwriteWithBlank`, and whatever is 0 when cut to a whole number."""
        kept = self._valid(call, row, one)
        if call.method == "PUT":
            kept = {**dict.fromkeys(self.contacts.schema.by_alias), "points": 0, **kept}
        else:
            kept = {name: value for name, value in kept.items() if value is not None or row.get("overwriteWithBlank")}
            kept = {name: value for name, value in kept.items() if not _is_nought(row.get(name))}
        more = {name: row[name] or None for name in ("owner", "stage") if name in row}
        if kept or more:
            self.contacts.change(one, kept, call.actor, **more)
        self._consents(call, one, row)

    def _unsaid(self, name: str, value: Any) -> bool:
        """Say whether a new contact is made without a value: the number 0, and of a field of numbers its text too."""
        if self.contacts.schema.by_alias[name].type == "number":
            return float(value) == 0
        return isinstance(value, int | float) and not isinstance(value, bool) and value == 0

    def _consents(self, call: Call, one: Contact, row: Mapping[str, Any]) -> None:
        for entry in row.get("doNotContact") or ():
            reason = int(entry.get("reason", 3))
            self.contacts.consent(one, entry.get("channel") or "email", reason, str(entry.get("comments") or ""), call.actor)

    def _valid(self, call: Call, row: Mapping[str, Any], one: Contact | None) -> dict[str, Any]:
        """Give the values as they are kept; raises Refused with every field that is wrong (400), or that another contact holds (422)."""
        kept, wrong = self.contacts.schema.taken(row)
        if row.get("stage") == "":
            raise Refused(500, TROUBLE, kind=None)
        for name, known in (("owner", self.users), ("stage", self.stages)):
            if row.get(name) is not None and row[name] != "" and row[name] not in known:
                wrong[name] = "This value is not valid."
        if wrong:
            raise _invalid(400, wrong)
        unique = [known.alias for known in self.contacts.schema.by_alias.values() if known.unique and one is not None]
        taken = [name for name in unique if (held := self.contacts.holder(name, kept.get(name))) and held is not one]
        if taken:
            raise _invalid(422, dict.fromkeys(taken, "This field must be unique."))
        return kept


def _invalid(status: int, wrong: Mapping[str, str]) -> Refused:
    words = ", ".join(f"{name}: {one}" for name, one in wrong.items())
    return Refused(status, words, details={name: [one] for name, one in wrong.items()})


def _is_nought(value: Any) -> bool:
    """Say whether a change leaves a value out, of whatever field: it is a number for PHP, and 0 when cut to a whole one."""
    try:
        return value is not None and not isinstance(value, bool) and int(float(value)) == 0
    except (TypeError, ValueError, OverflowError):
        return False


def _column(one: Contact, name: str) -> Any:
    if name not in _COLUMNS:
        return one.values.get(name)
    held = getattr(one, _COLUMNS[name])
    return held if name == "id" or held is None else f"{held:%Y-%m-%d %H:%M:%S}"
