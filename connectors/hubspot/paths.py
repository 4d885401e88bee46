"""HubSpot's paths, by the version of its interface."""

from __future__ import annotations


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
FORMS = "/form-integrations/v1/submissions/forms"
MAILS = "/email/public/v1/events"
