"""What is signed by Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec): id, time and body, by one of the secrets that hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.base import Forged

_ID = re.compile(r"[\x21-\x7e]{1,200}")


def signers(secrets: str) -> list[Webhook]:
    """Read secrets with white space between: all are valid at once, so that one can be changed without a gap."""
    return [Webhook(one) for one in secrets.split()]


def verified(keys: Sequence[Webhook], headers: Mapping[str, str], body: bytes) -> str:
    """Give the delivery's id; raises Forged unless one of the secrets signed it within five minutes of now, either way."""
    ident, good = headers.get("webhook-id", ""), False
    for signer in keys:  # each is tried, so that the time tells nothing
        try:
            signer.verify(body, dict(headers), json_parse=False)
            good = True
        except (WebhookVerificationError, ValueError):  # a header that is none, a body that is no UTF-8
            continue
    if not good or not _ID.fullmatch(ident):
        raise Forged("no secret of this door signed it now")
    return ident
