"""Playbooks and messages for tests, made by hand: two systems, a dozen fields, and conditions that are plain Python."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.base import Message, Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.command import Command
from schemas.envelope import Envelope
from schemas.touch import TouchRecorded
from schemas.write import FieldRefused, WriteDone
from sync.lead.creation import note
from sync.lead.decision import Facts, VendorUser
from sync.lead.state import Lead
from sync.playbook.models import (
    SIDE_EXITS,
    STAGES,
    Assign,
    CreateRule,
    Guards,
    OpportunityStage,
    Playbook,
    Points,
    Pool,
    Rep,
    Route,
    SharedField,
    Stage,
    Step,
    System,
    SystemField,
    Values,
    Verdict,
    When,
    Where,
)

SECRET = b"a secret of the tests"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SF, HS, MA = "salesforce", "hubspot", "mautic"
LEAD, CONTACT = "salesforce:Lead:00Q1", "hubspot:contacts:1"
_ids = itertools.count(1)


def at(seconds: float) -> datetime:
    """Give a moment, seconds after the start."""
    return START + timedelta(seconds=seconds)


def ms(seconds: float) -> int:
    """Give a moment in ms, seconds after the start."""
    return int(at(seconds).timestamp() * 1000)


@dataclass
class Line:
    """A condition that is a Python function of the values."""

    text: str
    test: Callable[[Values], bool]
    names: frozenset[str]
    where: Where
    timed: bool = False
    guard: tuple[str, frozenset[Scalar]] | None = None

    def holds(self, values: Values) -> bool:
        """Say whether it holds."""
        return self.judge(values).matched

    def judge(self, values: Values) -> Verdict:
        """Say whether it holds; an empty field does not match."""
        if any(values.get(name) is None for name in self.names):
            return Verdict(False, self.text, str(self.where), "field empty")
        matched = self.test(values)
        return Verdict(matched, self.text, str(self.where), f"{sorted(self.names)} {'matches' if matched else 'does not match'}")


def when(text: str, test: Callable[[Any], bool], *names: str, line: int = 1) -> When:
    """Give a one-line condition."""
    return When(all=(Line(text, test, frozenset(names), Where("test.yaml", line)),))


def shared(name: str, kind: Any, policy: str, sf: str | SystemField | None, hs: str | SystemField | None, **more: Any) -> SharedField:
    """Give a shared field of the two systems."""
    systems = {s: f if isinstance(f, SystemField) else SystemField(f) for s, f in ((SF, sf), (HS, hs)) if f is not None}
    return SharedField(name, kind, policy, systems, Where("fields.yaml", len(name)), **more)


def _stage_field() -> SharedField:
    sf = {stage: stage.upper() for stage in (*STAGES, *SIDE_EXITS)}
    hs = {"mql": "marketingqualifiedlead", "sql": "salesqualifiedlead"}
    hs = {stage: hs.get(stage, stage) for stage in (*STAGES, *SIDE_EXITS)}
    spelled = [SystemField(n, to_vendor=m, from_vendor={v: k for k, v in m.items()}) for n, m in (("Stage__c", sf), ("lifecyclestage", hs))]
    return shared("stage", "picklist", "most_advanced", *spelled, order=(*STAGES, *SIDE_EXITS))


def fields() -> dict[str, SharedField]:
    """Give the shared fields: every policy and most kinds are among them."""
    rows = (
        shared("email", "email", "latest", "Email", "email"),
        shared("first_name", "text", "latest", "FirstName", "firstname"),
        shared("last_name", "text", "latest", "LastName", "lastname"),
        shared("company", "text", "sales", "Company", "company"),
        shared("phone", "phone", "sales", "Phone", "phone"),
        shared("title", "text", "latest", "Title", "jobtitle"),
        shared("website", "url", "first", "Website", "website"),
        shared("industry", "text", "marketing", "Industry", "industry"),
        shared("employees", "number", "marketing", "NumberOfEmployees", "numberofemployees"),
        shared("country", "country", "latest", "Country", "country"),
        shared("birthday", "date", "hubspot", "Birthday__c", "birthday"),
        _stage_field(),
        shared("owner", "user", "sales", "OwnerId", "hubspot_owner_id"),
        shared("mql_date", "time", "first", "MQL_Date__c", "mql_date"),
        shared("engagement_score", "number", "marketing", "Score__c", "engagement_score"),
        shared("email_opt_out", "flag", "stricter", "HasOptedOutOfEmail", "hs_email_optout", consent="email"),
    )
    return {row.name: row for row in rows}


def makes(object_: str, rule: When | None = None) -> tuple[CreateRule, ...]:
    """Give the one rule of a system that makes a record of everyone, or of those for whom the rule holds."""
    return (CreateRule(object_, rule or When(), Where("fields.yaml", 3)),)


def noted(lead: Lead, book: Playbook) -> Lead:
    """Give the lead as the lead agent leaves it: noted is as what it is to be made where it has no record."""
    note(lead, book.systems, {name: held.value for name, held in lead.desired.items()})
    return lead


def stages() -> tuple[Stage, ...]:
    """Give the stages: a form makes a lead, 50 points an MQL."""
    rules = {
        "inquiry": When(),
        "lead": when("lead.engagement >= 10", lambda v: v["engagement"] >= 10, "engagement", line=20),
        "mql": when("lead.engagement >= 50", lambda v: v["engagement"] >= 50, "engagement", line=30),
    }
    return tuple(
        Stage(name, Where("lifecycle.yaml", 10 + i), rules.get(name), "paul@acme.example", name == "mql")
        for i, name in enumerate((*STAGES, *SIDE_EXITS))
    )


def playbook(**changes: Any) -> Playbook:
    """Give a playbook of two systems in write mode; keyword arguments replace its parts."""
    reps = {e: Rep(e, e.partition("@")[0].title(), Where("team.yaml", i)) for i, e in enumerate(PEOPLE, 3)}
    routes = (
        Route(
            "dach", when("lead.country in ['DE']", lambda v: v["country"] == "DE", "country"), Assign(pool="emea"), Where("routing.yaml", 8)
        ),
        Route("everyone-else", When(), Assign(pool="sdr", fallback=(Step("vera@acme.example"),)), Where("routing.yaml", 14)),
    )
    made = Playbook(
        version=1,
        checksum="test",
        systems={
            SF: System(SF, "salesforce", "sales", "write", makes("Lead"), country="US"),
            HS: System(HS, "hubspot", "marketing", "write", makes("contacts"), country="US"),
        },
        fields=fields(),
        scope=When(
            none=(Line("lead.country in ['BR']", lambda v: v["country"] == "BR", frozenset({"country"}), Where("fields.yaml", 31)),)
        ),
        scope_where=Where("fields.yaml", 30),
        stages=stages(),
        fit=(
            Points(
                40, Where("lifecycle.yaml", 5), when("lead.employees >= 500", lambda v: v["employees"] >= 500, "employees"), label="large"
            ),
        ),
        engagement=(
            Points(60, Where("lifecycle.yaml", 7), None, "form", "demo", 30.0, label="asked for a demo"),
            Points(15, Where("lifecycle.yaml", 8), None, "form", None, 30.0, 30.0, "filled in a form"),
        ),
        routes=routes,
        reps=reps,
        pools={
            "emea": Pool("emea", ("ana@acme.example", "ben@acme.example"), Where("team.yaml", 20)),
            "sdr": Pool("sdr", ("ben@acme.example", "joe@acme.example"), Where("team.yaml", 21)),
        },
        guards=Guards(flips=50),
    )
    return replace(made, **changes)


PEOPLE = {"ana@acme.example": "005A", "ben@acme.example": "005B", "joe@acme.example": "005J", "vera@acme.example": "005V"}


def users(*inactive: str) -> dict[str, dict[str, VendorUser]]:
    """Give the users of both systems; those named are inactive in both."""
    return {
        SF: {i: VendorUser(SF, i, e, e not in inactive) for e, i in PEOPLE.items()},
        HS: {f"7{i[-1]}": VendorUser(HS, f"7{i[-1]}", e, e not in inactive) for e, i in PEOPLE.items()},
    }


def facts(**changes: Any) -> Facts:
    """Give facts in which nobody is known and everybody may own a lead."""
    made: dict[str, Any] = {"secret": SECRET, "users": users(), "read_fully": frozenset({SF, HS})} | changes
    return Facts(**made)


def envelope(kind: str, data: Message, ident: str | None = None) -> Envelope:
    """Wrap a message; its id is new unless given."""
    return Envelope(ident or f"m{next(_ids)}", kind, "test", getattr(data, "at", START), data)


def changed(ref: str, seconds: float, values: Mapping[str, Scalar], *, ident: str | None = None, **more: Any) -> Envelope:
    """A record showed these vendor fields at that time; received just then unless `received_at` is given."""
    more.setdefault("received_at", at(seconds))
    if isinstance(more.get("read_at"), int | float):
        more["read_at"] = at(more["read_at"])
    more["times"] = {name: at(t) for name, t in more.get("times", {}).items()}
    email = more.pop("email", values.get("Email", values.get("email")))
    data = RecordChanged(ref=ref, at=at(seconds), fields=dict(values), email=email, **more)
    return envelope("truce.record.changed", data, ident)


def snapshot(ref: str, seconds: float, values: Mapping[str, Scalar], *, read: float | None = None, **more: Any) -> Envelope:
    """A consistent read of the whole record."""
    when_read = seconds if read is None else read
    return changed(ref, seconds, values, complete=True, read_at=when_read, received_at=at(max(seconds, when_read)), **more)


def touch(activity: str, seconds: float, *, name: str = "demo", kind: Any = "form", ident: str | None = None, **more: Any) -> Envelope:
    """A person did something in HubSpot."""
    data = TouchRecorded(system=HS, activity_id=activity, kind=kind, name=name, at=at(seconds), received_at=at(seconds), **more)
    return envelope("truce.touch.recorded", data, ident)


def merged(survivor: str, *losers: str, seconds: float, ident: str | None = None) -> Envelope:
    """The vendor merged records."""
    return envelope("truce.record.merged", RecordMerged(survivor=survivor, losers=losers, at=at(seconds), received_at=at(seconds)), ident)


def converted(ref: str, became: str, seconds: float, *, opportunity: str | None = None, ident: str | None = None) -> Envelope:
    """A record became another."""
    data = RecordConverted(ref=ref, became=became, opportunity=opportunity, at=at(seconds), received_at=at(seconds))
    return envelope("truce.record.converted", data, ident)


def deleted(ref: str, seconds: float, how: Any = "deleted", *, ident: str | None = None, **more: Any) -> Envelope:
    """A record was deleted, erased or restored."""
    return envelope("truce.record.deleted", RecordDeleted(ref=ref, how=how, at=at(seconds), received_at=at(seconds), **more), ident)


def done(
    lead: str,
    ref: str | None,
    seconds: float,
    values: Mapping[str, Scalar],
    versions: Mapping[str, int],
    outcome: Any = "written",
    **more: Any,
) -> Envelope:
    """The writer's result."""
    system = more.pop("system", None) or (ref or SF).partition(":")[0]
    refused = tuple(FieldRefused(**one) for one in more.pop("refused", ()))
    data = WriteDone(
        intent_id=more.pop("intent_id", f"i{next(_ids)}"),
        lead_id=lead,
        system=system,
        ref=ref,
        outcome=outcome,
        fields=dict(values),
        versions=dict(versions),
        refused=refused,
        sent_at=at(seconds),
        done_at=at(seconds),
        **more,
    )
    return envelope("truce.write.done", data)


def command(name: Any, seconds: float = 0, **more: Any) -> Envelope:
    """A person's order."""
    return envelope(f"truce.command.{name}", Command(name=name, by="ana@acme.example", reason="test", at=at(seconds), **more))


OPPORTUNITY_STAGES: tuple[tuple[str, Any, str | None], ...] = (
    ("Prospecting", "open", "opportunity"),
    ("Closed Won", "won", "customer"),
    ("Closed Lost", "lost", None),
)


def with_accounts(**changes: Any) -> Playbook:
    """Give a playbook that knows accounts and opportunities in both systems."""
    base = playbook()
    objects = {SF: ("Account", "Opportunity"), HS: ("companies", "deals")}
    systems = {name: replace(system, account=objects[name][0], opportunity=objects[name][1]) for name, system in base.systems.items()}
    account = (
        shared("name", "text", "sales", "Name", "name", about="account"),
        shared("domain", "url", "sales", "Website", "domain", about="account"),
        shared("owner", "user", "sales", "OwnerId", "hubspot_owner_id", about="account"),
        shared("industry", "text", "marketing", "Industry", "industry", about="account"),
        shared("employees", "number", "latest", "NumberOfEmployees", "numberofemployees", about="account"),
        shared("customer", "flag", "sales", "Customer__c", None, about="account"),
    )
    opportunity = (
        shared("name", "text", "sales", "Name", "dealname", about="opportunity"),
        shared("stage", "text", "sales", "StageName", "dealstage", about="opportunity"),
        shared("owner", "user", "sales", "OwnerId", "hubspot_owner_id", about="opportunity"),
        shared("amount", "number", "sales", "Amount", "amount", about="opportunity"),
        shared("account", "text", "sales", "AccountId", "company", about="opportunity"),
        shared("people", "text", "sales", "Contacts", "contacts", about="opportunity"),
    )
    machine = {name: (state, stage) for name, state, stage in OPPORTUNITY_STAGES}
    stages_of = {name: OpportunityStage(name, Where("lifecycle.yaml", 90), state, stage) for name, (state, stage) in machine.items()}
    fields_of: dict[str, Any] = {
        "opportunity_stages": stages_of,
        "account_fields": {f.name: f for f in account},
        "opportunity_fields": {f.name: f for f in opportunity},
    }
    return replace(base, systems=systems, **{**fields_of, **changes})
