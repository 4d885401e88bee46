"""E-mail by SMTP, as HTML and as text; its Message-ID is the same for every try, so that the receiver drops a copy."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
from jinja2 import Environment

from schemas.keys import normal_email
from sync.alerts import escape
from sync.alerts.channel import Channel, Message, OneWay, Outlet, Refused, Sent
from sync.playbook.models.alerts import Medium

TIMEOUT_S = 15.0
_COLOURS = {"good": "#1a7f37", "note": "#57606a", "trouble": "#bc4c00", "urgent": "#cf222e"}
_PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><body style="font-family:sans-serif;line-height:1.5;color:#1f2328;margin:0;padding:24px">
<div style="border-left:4px solid {{ colour }};padding-left:16px;max-width:640px">
<h1 style="font-size:18px;margin:0 0 12px">{{ title }}</h1>
{% for line in lines %}<p style="margin:0 0 6px">{{ line }}</p>
{% endfor %}{% if links %}<p style="margin:16px 0 0">{% for text, url in links %}<a href="{{ url }}" style="margin-right:16px">{{ text }}</a>{% endfor %}</p>
{% endif %}</div></body></html>
""")


def text(message: Message) -> str:
    """Give the text part: a line each, links with their addresses."""
    links = [f"{escape.plain(link.text)}: {escape.plain(link.url)}" for link in message.links]
    return "\n".join([escape.plain(message.title), "", *map(escape.plain, message.shown()), *([""] if links else []), *links]) + "\n"


def page(message: Message) -> str:
    """Give the HTML part; every text of it is escaped, and only web addresses are links."""
    links = [(escape.plain(one.text), one.url) for one in message.links if escape.address(one.url)]
    lines = [escape.plain(line) for line in message.shown()]
    return _PAGE.render(title=escape.plain(message.title), lines=lines, links=links, colour=_COLOURS[message.level])


class Email(OneWay):
    """Sends through one server: `smtp://user:password@host:587`, or `smtps://`; option `from` is the sender."""

    medium: Medium = "email"

    def __init__(self, outlet: Outlet) -> None:
        parts = urlsplit(outlet.url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Refused("its address is none of SMTP (smtp://host:port)", permanent=True)
        self.name, self._host, self._tls = outlet.name, parts.hostname, parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), outlet.secrets.get("password") or unquote(parts.password or "")
        self._to = tuple(one for part in outlet.address.split(",") if (one := normal_email(part)))
        self._from = normal_email(outlet.options.get("from")) or f"truce@{self._host}"

    async def send(self, message: Message, *, key: str) -> Sent:
        """Hand it to the server; raises Refused."""
        mail = self.mail(message, key)
        try:
            await aiosmtplib.send(mail, hostname=self._host, port=self._port, use_tls=self._tls, timeout=TIMEOUT_S, **self._login())
        except aiosmtplib.SMTPConnectError as error:
            raise Refused(f"no connection to the mail server: {type(error).__name__}") from None
        except aiosmtplib.SMTPResponseException as error:
            raise Refused(f"the mail server says {error.code}", permanent=500 <= error.code < 600) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise Refused("the mail server refuses the recipient", permanent=all(one.code >= 500 for one in error.recipients)) from None
        except aiosmtplib.SMTPException as error:  # the connection was lost, or nothing came in time: it may have been taken
            raise Refused(f"the mail server went away: {type(error).__name__}", unsure=True) from None
        except OSError as error:
            raise Refused(f"no connection to the mail server: {type(error).__name__}") from None
        return Sent(str(mail["Message-ID"]))

    def mail(self, message: Message, key: str) -> EmailMessage:
        """Give it as an e-mail; raises Refused when there is nobody to send it to."""
        to = [message.to] if message.to and normal_email(message.to) else list(self._to)
        if not to:
            raise Refused("it has no address to write to", permanent=True)
        domain = self._from.rpartition("@")[2]
        mail = EmailMessage()
        mail["Subject"] = escape.header(message.title)
        mail["From"] = Address("Truce", addr_spec=self._from)
        mail["To"] = ", ".join(to)
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{key}@{domain}>"
        if message.thread:
            mail["References"] = f"<{message.thread}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Truce-Id"] = key
        mail.set_content(text(message))
        mail.add_alternative(page(message), subtype="html")
        return mail

    def _login(self) -> dict[str, Any]:
        return {"username": self._user, "password": self._password} if self._user else {}


def open_channel(outlet: Outlet) -> Channel:
    """Make the channel of an outlet; raises Refused when its address is none of SMTP."""
    return Email(outlet)
