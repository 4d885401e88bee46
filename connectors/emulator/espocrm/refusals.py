"""How EspoCRM says no: a status, its reason in the header X-Status-Reason, and of a field that is wrong which one, in the body (measured on 9.0)."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer other than 200; without words its reason is a blank header, and None is no header at all."""

    def __init__(self, status: int, reason: str | None = "", body: Any = None, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.body, self.headers = status, reason, body, headers


def no_route(allowed: str = "") -> Refused:
    """Refuse a path that is none, or a method that it does not have, as the router before EspoCRM does: with a page."""
    page, kind = b'<!doctype html><html lang="en"><head><meta charset="utf-8"></head></html>', "text/html;charset=UTF-8"
    return Refused(405 if allowed else 404, None, page, **{"Content-Type": kind}, **({"Allow": allowed} if allowed else {}))


def invalid(entity: str, field: str, kind: str) -> Refused:
    """Refuse a value: `valid`, `maxLength`, `required`, `pattern` …"""
    told = {"messageTranslation": {"label": "validationFailure", "scope": None, "data": {"field": field, "type": kind}}}
    return Refused(400, f"Field validation failure; entityType: {entity}, field: {field}, type: {kind}.", told)


def nowhere(ident: str, *, writing: bool) -> Refused:
    """Refuse an id that is not there, or not any more."""
    return Refused(404, f"Record {ident} {'not found' if writing else 'does not exist'}.")


def no_access(what: str) -> Refused:
    """Refuse what the role does not allow."""
    return Refused(403, f"No {what} access.")
