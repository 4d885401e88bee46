"""How a person is keyed: no personal value ever stands in a topic key or an index."""

from __future__ import annotations

import hmac
import re
import unicodedata

_NEVER = r"@\s\x00-\x1f\x7f\ud800-\udfff<>()\[\],;:\"\\"
_EMAIL = re.compile(rf"^[^{_NEVER}]{{1,64}}@[^{_NEVER}.]+(\.[^{_NEVER}.]+)+$")
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
"""Characters that nobody sees and that come along when an address is pasted."""


def normal_email(text: str | None) -> str | None:
    """Give the address trimmed and in lower case, or None when it is none at all."""
    if text is None or len(text) > 1_000:
        return None
    plain = unicodedata.normalize("NFC", text.translate(_UNSEEN)).strip().lower()
    return plain if len(plain) <= 254 and _EMAIL.match(plain) else None


def keyed(secret: bytes, text: str) -> str:
    """Give the HMAC-SHA256 of `text` under the installation's secret, as 32 hex digits."""
    return hmac.digest(secret, text.encode(errors="surrogatepass"), "sha256").hex()[:32]


def lead_key(secret: bytes, email: str | None, ref: str) -> str:
    """Give the key of a message on `changes`: of the e-mail when it is one, else of the record ref. It only picks the partition."""
    plain = normal_email(email)
    return keyed(secret, plain or ref)
