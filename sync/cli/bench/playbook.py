"""The playbook that the bench decides by: 40 shared fields and 30 rules, written as any company would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sync.cli.emulate import REPS

FIELDS, RULES = 40, 30
SOURCES = ("Web", "Partner", "Event", "Referral")
"""What the picklists among the company's own fields may say."""
OWN = FIELDS - 16
"""How many fields are the company's own: texts, numbers and picklists in turn."""
HEAD = "head.of.sales@acme.example"
COUNTRIES = ("DE", "FR", "NO", "GB", "US", "CA", "SE", "NL", "ES", "IT")


def own_type(n: int) -> str:
    """Give the type of the company's own field number n."""
    return "number" if n % 4 == 2 else "picklist" if n % 6 == 5 else "text"


def own_name(n: int, system: str) -> str:
    """Give the vendor's name of the company's own field number n."""
    return f"Bench_{n:02d}__c" if system == "salesforce" else f"bench_{n:02d}"


def _shared(kind: str, policy: str, salesforce: Any, hubspot: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "policy": policy, "systems": {"salesforce": salesforce, "hubspot": hubspot}, **more}


_STAGES = {
    "inquiry": ("Inquiry", "subscriber"),
    "lead": ("Lead", "lead"),
    "mql": ("MQL", "marketingqualifiedlead"),
    "sal": ("SAL", "salesacceptedlead"),
    "sql": ("SQL", "salesqualifiedlead"),
    "opportunity": ("Opportunity", "opportunity"),
    "customer": ("Customer", "customer"),
    "recycled": ("Recycled", "recycled"),
    "disqualified": ("Disqualified", "other"),
}


def _fields() -> dict[str, Any]:
    stage = [
        {"name": name, "values": {s: v[i] for s, v in _STAGES.items()}} for i, name in enumerate(("Lifecycle_Stage__c", "lifecyclestage"))
    ]
    fields = {
        "email": _shared("email", "latest", "Email", "email"),
        "first_name": _shared("text", "latest", "FirstName", "firstname"),
        "last_name": _shared("text", "latest", "LastName", "lastname"),
        "company": _shared("text", "latest", "Company", "company"),
        "phone": _shared("phone", "latest", "Phone", "phone"),
        "mobile": _shared("phone", "latest", "MobilePhone", "mobilephone"),
        "title": _shared("text", "latest", "Title", "jobtitle"),
        "website": _shared("url", "first", "Website", "website"),
        "industry": _shared("text", "latest", "Industry", "industry"),
        "employees": _shared("number", "latest", "NumberOfEmployees", "numberofemployees"),
        "country": _shared("country", "latest", "Country", "country"),
        "stage": _shared("picklist", "most_advanced", stage[0], stage[1]),
        "owner": _shared("user", "sales", "OwnerId", "hubspot_owner_id"),
        "mql_date": _shared("time", "first", "MQL_Date__c", "mql_date"),
        "engagement_score": _shared("number", "marketing", "Engagement_Score__c", "engagement_score"),
        "email_opt_out": _shared("flag", "stricter", "HasOptedOutOfEmail", "hs_email_optout", consent="email"),
    }
    for n in range(OWN):
        more = {"values": list(SOURCES)} if own_type(n) == "picklist" else {}
        fields[f"own_{n:02d}"] = _shared(own_type(n), "latest", own_name(n, "salesforce"), own_name(n, "hubspot"), **more)
    return fields


def _system(vendor: str, side: str, kind: str) -> dict[str, Any]:
    return {"vendor": vendor, "side": side, "mode": "write", "object": kind, "create": "always", "bulk": "hold", "country": "US"}


def _routes() -> list[dict[str, Any]]:
    """Ten routes; the last matches always."""
    made: list[dict[str, Any]] = []
    for n, country in enumerate(COUNTRIES[:9]):
        lines = [f"lead.country == '{country}'", f"lead.employees >= {100 * (n % 4)}"]
        made.append({"id": f"route-{n}", "when": {"all": lines}, "assign": {"pool": f"pool-{n % 3}"}, "fallback": {"owner": HEAD}})
    return [*made, {"id": "everyone-else", "assign": {"pool": "pool-0"}, "fallback": {"owner": HEAD}}]


def _fit() -> list[dict[str, Any]]:
    """Twelve lines of fit: sizes, industries, titles, and what the company's own fields say."""
    lines = [f"lead.employees >= {size}" for size in (50, 200, 500)]
    lines += [f"lead.industry in ['{one}', 'Energy']" for one in ("Manufacturing", "Logistics", "Technology")]
    lines += ["any_of(lead.title, ['Head', 'VP', 'Director', 'Chief', 'CEO', 'COO', 'Owner'])", "has(lead.phone) && has(lead.email)"]
    lines += ["lead.own_02 >= 40", "lead.own_05 == 'Partner'", "lead.own_06 < 20", "lead.own_00.startsWith('A')"]
    return [{"points": 5 + n % 3 * 5, "when": line, "label": f"fit {n}"} for n, line in enumerate(lines)]


def _engagement() -> list[dict[str, Any]]:
    """Six lines of engagement."""
    names = ("demo", "pricing", "contact", "webinar", "newsletter")
    made: list[dict[str, Any]] = [
        {"touch": "form", "name": name, "points": 60 - 10 * n, "half_life_days": 30.0, "label": name} for n, name in enumerate(names)
    ]
    return [*made, {"touch": "campaign", "points": 10, "half_life_days": 30.0, "cap": 30.0, "label": "campaign"}]


def _stages() -> dict[str, Any]:
    stages: dict[str, Any] = {name: {"accountable": HEAD} for name in _STAGES}
    stages["inquiry"]["when"] = "has(lead.email)"
    stages["mql"] |= {"handoff": True, "when": {"any": ["lead.engagement >= 40 && lead.fit >= 20"]}}
    return stages


def files() -> dict[str, str]:
    """Give the playbook's files, name → text (JSON is YAML)."""
    systems = {"salesforce": _system("salesforce", "sales", "Lead"), "hubspot": _system("hubspot", "marketing", "contacts")}
    guards = {"writes_per_hour": 10_000_000, "share_of_records": 1.0, "flips": 1000, "flip_window_s": 60}
    people = list(REPS)
    made = {
        "fields.yaml": {"systems": systems, "guards": guards, "fields": _fields()},
        "lifecycle.yaml": {"fit": _fit(), "engagement": _engagement(), "stages": _stages()},
        "routing.yaml": {"routes": _routes()},
        "team.yaml": {
            "timezone": "Europe/Berlin",
            "reps": {email: {"name": name} for email, name in REPS.items()},
            "pools": {f"pool-{n}": people[n * 2 : n * 2 + 3] for n in range(3)},
        },
    }
    return {name: json.dumps(content, indent=1) + "\n" for name, content in made.items()}


def rules() -> int:
    """Count the rules: lines of fit and engagement, stages with a condition, routes."""
    return len(_fit()) + len(_engagement()) + sum("when" in stage for stage in _stages().values()) + len(_routes())


def write(folder: Path) -> Path:
    """Write the files into a folder, made if need be; gives it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text)
    return folder
