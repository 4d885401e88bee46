"""What people did, read as a backstop or because no webhook tells of it: submissions of forms, the log of marketing e-mails, meetings.

Sources: HubSpot's guides "Forms" (submissions, the newest first) and "Email analytics v1" (events; `sentBy` is the message's own event, and
`filteredEvent` says that HubSpot itself holds it to be a machine's).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from connectors.errors import Gone, Surprising
from connectors.hubspot import mapping
from connectors.hubspot.client import Client, next_page, records, rows
from connectors.hubspot.mapping import Reading
from connectors.hubspot.objects import CONTACTS, MEETING_TITLE, Response, Row
from connectors.hubspot.paths import FORMS, MAILS
from connectors.onward import Onward
from schemas.base import Ref
from schemas.touch import TouchRecorded

MAIL_KINDS = ("OPEN", "CLICK")
_LISTED, _MOST_OLD = 50, 20
"""So many submissions HubSpot lists in a page; after so many pages in a row without a late one, or one that is known, no more are read."""
_CONVERSIONS = {"recent_conversion_date": "recent_conversion_event_name", "first_conversion_date": "first_conversion_event_name"}


def _event(props: Row, at: datetime) -> str | None:
    """Give the contact's own name of the submission made at `at` ("Page: Form", as webhooks and reads have it); the list knows the form alone."""
    names = (props.get(name) for date, name in _CONVERSIONS.items() if props.get(date) and mapping.moment(props[date]) == at)
    return next((str(name) for name in names if name), None)


def unnamed(told: Mapping[str, object]) -> bool:
    """Say whether a call tells a submission without its form: of the same form once more HubSpot tells only what became otherwise, the time."""
    return mapping.moment(told.get(mapping.CONVERTED_AT)) is not None and not told.get(mapping.CONVERTED_BY)


def _mark(submission: Row) -> str:
    """Give what a submission on a form's list is known by, in few characters and without anybody's data."""
    own = submission.get("conversionId") or (submission.get("submittedAt"), submission.get("pageUrl"))
    return blake2b(repr(own).encode(), digest_size=6).hexdigest()


def _held(row: Row) -> set[str]:
    """Give every address that a contact holds."""
    props = row["properties"]
    return {str(props.get("email") or "").lower(), *(props.get("hs_additional_emails") or "").lower().split(";")}


def mail(reading: Reading, ident: object, event: Mapping[str, Any]) -> TouchRecorded:
    """Give what somebody did with a marketing e-mail."""
    sent = event.get("sentBy")
    return TouchRecorded(
        system=reading.system, activity_id=f"email:{event.get('id')}", kind="click" if event.get("type") == "CLICK" else "open",
        name=str(event.get("subject") or event.get("emailCampaignId") or ""), at=mapping.moment(event.get("created")) or reading.received_at,
        ref=reading.ref(ident), received_at=reading.received_at, email=str(event.get("recipient")), bulk=reading.bulk,
        delivered_at=mapping.moment(sent.get("created")) if isinstance(sent, dict) else None, machine=event.get("filteredEvent") is True,
    )  # fmt: skip


def met(reading: Reading, row: Row, response: Response, people: Iterable[str]) -> list[TouchRecorded]:
    """Give a meeting that took place as an act of each of these contacts: who came."""
    props, at = row["properties"], mapping.took_place(row, response)
    details = {"by": mapping.canonical(props.get("hubspot_owner_id"), "text")}
    return [
        TouchRecorded(
            system=reading.system, activity_id=f"{response.kind}:{row['id']}:{one}", kind="meeting", at=at, received_at=reading.received_at,
            name=str(props.get(MEETING_TITLE) or ""), ref=str(Ref(reading.system, CONTACTS, one)), details=details,
        )
        for one in people
    ]  # fmt: skip


class Acts:
    """Reads what people did."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submitted(
        self, guid: str, name: str, since: int, known: Collection[str] | None
    ) -> AsyncIterator[tuple[list[TouchRecorded], list[str]]]:  # fmt: skip
        """Read a form's submissions since a time, and what else came onto its list; with the marks of the list's first page, `known` the next time.

        A sender may say any time of the past, and HubSpot lists "in reverse-chronological order" without a word by which time. So it is read
        on until a page shows one of the known, or twenty pages have none of late; where nothing is known yet, the time alone counts.
        """
        after: str | None = ""
        pages, head, old = Onward("a form's submissions"), list[str](), 0
        while after is not None:
            pages.at(after)
            try:
                answer = await self._client.get(f"{FORMS}/{guid}", limit=str(_LISTED), **({"after": after} if after else {}))
            except Gone:
                return  # doctor says it; all else is read
            many = [(one, at, _mark(one)) for one in rows(answer.body) if (at := mapping.moment(one.get("submittedAt")))]
            head = head or [mark for _, _, mark in many]
            late = [mapping.millis(at) >= since for _, at, _ in many]
            met = [place for place, (_, _, mark) in enumerate(many) if mark in (known or ())]
            behind = met[-1] if met and len(known or ()) == _LISTED else len(many)  # a list that went on there was old below
            new = [
                (one, at)
                for place, (one, at, mark) in enumerate(many)
                if late[place] or (known is not None and place < behind and mark not in known)
            ]
            yield await self._touches(new, name), head
            old = 0 if any(late) else old + 1
            more = any(late) if known is None else all(late) if behind < len(many) else bool(new) and old < _MOST_OLD
            after = next_page(answer.body) if more else None

    async def opened(self, kind: str, since: int) -> AsyncIterator[list[TouchRecorded]]:
        """Read who opened, or clicked in, marketing e-mails since then."""
        offset: str | None = ""
        pages = Onward("e-mail events")
        while offset is not None:
            pages.at(offset)
            answer = await self._client.get(
                MAILS, eventType=kind, startTimestamp=str(since), limit="100", **({"offset": offset} if offset else {})
            )
            found = answer.body.get("events")
            if not isinstance(found, list):
                raise Surprising("the answer has no list of events")
            by_email: dict[str, list[Row]] = {}
            for one in found:
                by_email.setdefault(str(one.get("recipient") or "").strip().lower(), []).append(one)
            by_email.pop("", None)
            holders = await self._holders(by_email)
            reading = self._client.reading(CONTACTS, answer)
            yield [mail(reading, row["id"], one) for row, email in holders for one in by_email[email]]
            more = str(answer.body.get("offset") or "")
            offset = more if answer.body.get("hasMore") and more and more != offset else None

    async def _holders(self, emails: Collection[str]) -> list[tuple[Row, str]]:
        """Give the contacts that hold these addresses, each with the address."""
        if not emails:
            return []
        answer = await self._client.read(CONTACTS, list(emails), ["email", "hs_additional_emails"], by="email")
        pairs = []
        for row in records(answer.body):
            pairs += [(row, email) for email in _held(row) if email in emails]
        return pairs

    async def _touches(self, submissions: Sequence[tuple[Row, datetime]], name: str) -> list[TouchRecorded]:
        """Give submissions as touches of the records that hold their e-mails; one whose e-mail no record holds any more is left out."""
        by_email: dict[str, list[tuple[Row, datetime]]] = {}
        for one, at in submissions:
            values = {value.get("name"): value.get("value") for value in one.get("values") or [] if isinstance(value, dict)}
            by_email.setdefault(str(values.get("email") or "").strip().lower(), []).append((one, at))
        by_email.pop("", None)
        if not by_email:
            return []
        wanted = ["email", "hs_additional_emails", *_CONVERSIONS, *_CONVERSIONS.values()]
        answer = await self._client.read(CONTACTS, list(by_email), wanted, by="email", history=[mapping.MERGED_IDS])
        reading, touches = self._client.reading(CONTACTS, answer), list[TouchRecorded]()
        for row in records(answer.body):
            props = row["properties"]
            for one, at in (pair for email in _held(row) for pair in by_email.get(email, [])):
                if not mapping.before_merge(row, at):
                    consent, page = mapping.consent_of(one), one.get("pageUrl")
                    touches.append(reading.form(row["id"], at, _event(props, at) or name, props.get("email"), page=page, consent=consent))
        return touches
