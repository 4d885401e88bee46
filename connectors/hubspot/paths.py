"""HubSpot's paths, by the version of its interface."""

from __future__ import annotations

from datetime import date


def _paths(crm: str, links: str, consent: str, version: str) -> dict[str, str]:
    return {
        "lists": crm.format("lists"), "account": f"/account-info/{version}/details",
        "objects": crm.format("objects"), "properties": crm.format("properties"), "owners": crm.format("owners"), "links": links,
        "consent": f"/communication-preferences/{consent}/statuses", "token": f"/oauth/{version}/token",
        "types": f"/communication-preferences/{consent}/definitions", "hooks": f"/webhooks/{version}",
    }  # fmt: skip


PATHS: dict[str, dict[str, str]] = {
    "v3": _paths("/crm/v3/{}", "/crm/v4/associations", "v4", "v3"),
    **{version: _paths(f"/crm/{{}}/{version}", f"/crm/associations/{version}", version, version) for version in ("2026-03", "2026-09")},
}
"""Every path by `api_version`: HubSpot's numbered versions and its dated ones (WIRE: HubSpot CRM, versioning)."""
NEWEST = "2026-09"
ENDS = {"v3": date(2027, 3, 30), "2026-03": date(2027, 9, 30), NEWEST: date(2028, 3, 31)}
"""Until when HubSpot supports what a version is made of, by its developer changelog: v3's associations and consent are v4, which ends first; a dated version is supported for 18 months."""
FORMS = "/form-integrations/v1/submissions/forms"
MAILS = "/email/public/v1/events"
