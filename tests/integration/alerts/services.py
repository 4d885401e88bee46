"""Services behind apprise, as far as it speaks to them: they keep the JSON that is posted, over HTTP or over TLS with a certificate of their own."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path) -> ssl.SSLContext:
    """Give a server's context with a certificate that it signed itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    signed = made.sign(key, hashes.SHA256())
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "service.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Service:
    """Answers every POST with `status`, and keeps what came; `hangs_up`: it takes a message and nobody hears of it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls, self.status, self.hangs_up = tls, 200, False
        self.posts: list[Any] = []

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.status < 300:
            self.posts.append(body)
        if self.hangs_up:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"status": "seen"}, status=self.status)

    async def __aenter__(self) -> Service:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._post)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
