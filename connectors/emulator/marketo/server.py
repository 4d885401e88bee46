"""The Marketo emulator: one subscription in memory behind Marketo's own paths, and the emulator's doors beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.journal import Journal
from connectors.emulator.marketo import activities, bulk, reading, wire, writing
from connectors.emulator.marketo.activities import Log
from connectors.emulator.marketo.fields import Field, Schema, custom, standard
from connectors.emulator.marketo.identity import Identity
from connectors.emulator.marketo.leads import Actor, Lead, Leads
from connectors.emulator.marketo.limits import Limits
from connectors.emulator.marketo.refusals import Refused
from connectors.emulator.silence import App
from schemas.base import Scalar

USERS = {"truce": ("emulated", "truce.api@acme.example"), "other-tool": ("emulated-other", "other.api@acme.example")}
"""Client id → (client secret, e-mail of the API user)."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Marketo:
    """A subscription; `app` is what to serve, `journal` what really happened, `faults` what goes wrong.

    `lists` and `campaigns` are ids of static lists and of requestable campaigns; `programs` names the statuses of each program in their
    order; `scan` is how many activities one page looks through. State is in memory; call it from the loop that serves `app`.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, tuple[str, str]] | None = None,
        fields: Iterable[Field] | None = None,
        salespersons: Sequence[Mapping[str, Any]] = (),
        lists: Iterable[int] = (1001,),
        campaigns: Iterable[int] = (2001,),
        programs: Mapping[int, Sequence[str]] | None = None,
        calls_per_20s: int = 100,
        daily: int = 50_000,
        at_once: int = 10,
        scan: int = 1000,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.journal, self.faults, self.clock = Journal(), Faults(), clock
        self.schema = Schema([*standard(), *(custom() if fields is None else fields)])
        self.log = Log(clock, scan)
        self.leads = Leads(self.schema, self.journal, self.log, self.faults, clock)
        self.identity = Identity(clock, USERS if users is None else users)
        self.limits = Limits(clock, calls_per_20s, daily, at_once)
        self.salespersons = [{"id": 100 + n, **one} for n, one in enumerate(salespersons)]
        self.lists: dict[int, set[int]] = {ident: set() for ident in lists}
        self.campaigns: dict[int, list[int]] = {ident: [] for ident in campaigns}
        self.programs = programs or {3001: ("Invited", "Registered", "Attended")}
        self.asleep = set[int]()
        """Campaigns that are not active."""
        self.denied = set[str]()
        """What no API user may: read "assets", or "write"."""
        self.exports = bulk.Exports(self)
        doors = [*reading.doors(), *writing.doors(), *bulk.doors()]
        missing = {404: _no_such_path, 405: _no_such_path}
        self.app = App(routes=[*control.routes(self.journal, self.faults), *wire.routes(self, doors)], exception_handlers=missing)
        self.app.state.sends_date = True

    def static_list(self, ident: str) -> set[int]:
        """Give the leads on a list; raises Refused (1013)."""
        if not ident.isdigit() or int(ident) not in self.lists:
            raise Refused("1013", "Object not found")
        return self.lists[int(ident)]

    def rights(self, what: str) -> None:
        """Raise Refused (603) where the API user may not do this."""
        if what in self.denied:
            raise Refused("603", "Access denied")

    def program(self, ident: str) -> int:
        """Give a program's id; raises Refused (1013)."""
        if not ident.isdigit() or int(ident) not in self.programs:
            raise Refused("1013", "Object not found")
        return int(ident)

    def progress(self, lead: Lead, program: int, status: str, actor: Actor) -> None:
        """Give a member of a program a status; the last one of its order is a success."""
        old, order = lead.programs.get(program), self.programs[program]
        lead.programs[program] = status
        said = {
            "New Status ID": order.index(status) + 1, "New Status": status, "Success": status == order[-1], "Program Name": f"Program {program}",
            **({"Old Status ID": order.index(old) + 1, "Old Status": old} if old else {}), **actor.told("changeStatus"),
        }  # fmt: skip
        self.log.add(lead.id, activities.PROGRESS, said, name=f"Program {program}", ident=program)
        self.journal.effect(actor.client, "associate", "programs", str(program), {str(lead.id): old}, {str(lead.id): status})

    def listed(self, ident: str, lead: int, *, inside: bool, actor: Actor) -> None:
        """Put a lead on a list, or take it off."""
        (self.lists[int(ident)].add if inside else self.lists[int(ident)].discard)(lead)
        kind = activities.ADD_TO_LIST if inside else activities.REMOVE_FROM_LIST
        self.log.add(lead, kind, actor.told("addToList"), name=f"List {ident}", ident=int(ident))
        self.journal.effect(actor.client, "associate" if inside else "dissociate", "lists", ident, {}, {"lead": lead})

    def put(self, values: Mapping[str, Scalar], *, ident: str | None = None, by: str = "maria", source: str = "Manual") -> str:
        """Make (or with `ident` change) a lead as a person does in Marketo's screens; raises Refused for what it does not take."""
        taken = {name: self.schema.of(name).take(value) for name, value in values.items()}
        actor = Actor(by, source)
        if ident is None:
            return str(self.leads.insert(taken, actor).id)
        self.leads.change(self.leads.get(ident), taken, actor)
        return ident

    def fill_form(self, email: str, form: str = "Talk to us", **values: Scalar) -> str:
        """Let somebody fill in a form: the lead of that e-mail is changed or made, then the activity is logged; gives the id."""
        found = self.leads.find("email", [email])
        given = {"email": email, **values}
        ident = self.put(given, ident=str(found[0].id) if found else None, by="form", source="Web form fillout")
        return self.act(ident, activities.FORM, form, **{"Webpage ID": 7, "Client IP Address": "203.0.113.9"})

    def act(self, ident: str, kind: int, name: str = "", **attributes: Any) -> str:
        """Log something that a lead did, of any type of `activities`; gives the lead's id."""
        self.log.add(int(ident), kind, attributes, name=name, ident=len(self.log.entries) + 7000)
        return ident

    def delete(self, ident: str) -> None:
        """Delete a lead as a person does."""
        self.leads.delete(self.leads.get(ident), Actor("maria", "Manual"))

    def merge(self, winner: str, *losers: str) -> None:
        """Merge leads as a person does."""
        self.leads.merge(self.leads.get(winner), [self.leads.get(one) for one in losers], Actor("maria", "Manual"))

    def lead(self, ident: str) -> dict[str, Any]:
        """Give everything that a lead holds; raises Refused (1004)."""
        return self.leads.row(self.leads.get(ident), self.schema.fields)


async def _no_such_path(request: Request, _: Exception) -> Response:
    body = {"requestId": "0#0", "success": False, "errors": [Refused("610", "Requested resource not found").reason()]}
    return JSONResponse(body, 200 if request.url.path.startswith(("/rest/", "/bulk/")) else 404)
