"""By which OAuth flow the connection comes in: client credentials, or a JWT that its own key signed.

Source: Salesforce Help, "OAuth 2.0 Client Credentials Flow" and "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

import orjson

from connectors.base import Connection
from connectors.errors import AuthExpired

LOGIN = "https://login.salesforce.com"
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_S = 180
"""Salesforce takes an assertion that ends within five minutes."""


def grant(connection: Connection, now: datetime) -> Mapping[str, str]:
    """Give the form of a token request; raises AuthExpired where the connection has not what a flow needs."""
    secrets = connection.secrets
    if secrets.get("client_id") and secrets.get("private_key"):
        return {"grant_type": _JWT, "assertion": _assertion(connection, now)}
    if secrets.get("client_id") and secrets.get("client_secret"):
        return {"grant_type": "client_credentials", "client_id": secrets["client_id"], "client_secret": secrets["client_secret"]}
    raise AuthExpired("the connection has no client_id and client_secret, nor a private_key")


def _assertion(connection: Connection, now: datetime) -> str:
    """Say who we are, for three minutes, signed by the key whose certificate the app has."""
    username = connection.options.get("username", "")
    if not username:
        raise AuthExpired("the connection has a private_key and no option username: whose behalf it acts on")
    claims = {
        "iss": connection.secrets["client_id"], "sub": username, "aud": connection.options.get("login_url", LOGIN).rstrip("/"),
        "exp": int(now.timestamp()) + _LIFE_S,
    }  # fmt: skip
    text = b".".join(_coded(orjson.dumps(part)) for part in ({"alg": "RS256"}, claims))
    return b".".join((text, _coded(_signed(connection.secrets["private_key"], text)))).decode()


def _signed(pem: str, text: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm  # it takes its time to import, and few connections need it
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise AuthExpired("private_key is no RSA key without a password, in PEM form")
    return key.sign(text, PKCS1v15(), SHA256())


def _coded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
