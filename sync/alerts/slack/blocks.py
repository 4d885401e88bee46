"""Messages as Slack's blocks: the hand-off card, a group's failure, a short answer. Pure: from texts to blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync.alerts.card import Card
from sync.alerts.channel import Action, Link, Message
from sync.alerts.slack.text import BETWEEN, Block, bold, fallback, label, line, link, part, rich, web

MOST_LINES, MOST_LINKS = 40, 5
_STYLES = {"accept": "primary"}


def card_blocks(card: Card) -> list[Block]:
    """Give the card: who it is, by when, why now, why you, what to know and say, and the buttons; once it is over, how it ended."""
    head = [bold(card.title), *([part(card.about)] if card.about else [])]
    lines: list[list[Block]] = [head]
    if card.state:
        lines.append([part(card.state)])
    for one in card.said[:MOST_LINES]:
        beside = [piece for each in one.links for piece in (BETWEEN, link(each.text, each.url))]
        lines.append([bold(one.label), part(f"  {one.text}"), *beside] if one.label else [bold(one.text)])
    return [*rich(lines, "card"), *buttons(card.actions, card.links)]


def card_text(card: Card) -> str:
    """Give the words of the notification that Slack shows for a card."""
    return fallback(" · ".join((card.head(), card.state or (card.said[0].text if card.said else ""))).rstrip(" ·"))


def message_blocks(message: Message) -> list[Block]:
    """Give a message without a card: title, lines, links, buttons."""
    lines: list[list[Block]] = [[bold(message.title)], *([part(one)] for one in message.shown()[:MOST_LINES])]
    left = [one for one in message.links if not web(one.url)]
    lines += [[part(one.text)] for one in left[:MOST_LINKS]]
    return [*rich(lines, "message"), *buttons(message.actions, message.links)]


def message_text(message: Message) -> str:
    """Give the words of its notification."""
    return fallback(message.title)


def buttons(actions: Sequence[Action], links: Sequence[Link]) -> list[Block]:
    """Give the row of buttons: those that act in the order given, the ones that lead elsewhere before `why`; none for neither."""
    acting = [_button(one) for one in actions if one.name != "why"]
    leading = [_leading(one, n) for n, one in enumerate(links[:MOST_LINKS]) if web(one.url)]
    asking = [_button(one) for one in actions if one.name == "why"]
    elements = [*acting, *leading, *asking][:25]
    return [{"type": "actions", "block_id": "answers", "elements": elements}] if elements else []


def _button(action: Action) -> Block:
    style = {"style": _STYLES[action.name]} if action.name in _STYLES else {}
    return {"type": "button", "action_id": action.name, "value": action.value[:2_000] or "-", "text": label(action.label), **style}


def _leading(one: Link, n: int) -> Block:
    return {"type": "button", "action_id": f"link-{n}", "url": one.url, "text": label(one.text)}


def answer(lines: str | Iterable[str]) -> Block:
    """Give what somebody who pressed is told, as a response_url or chat.postEphemeral takes it."""
    told = [lines] if isinstance(lines, str) else list(lines)
    return {"text": fallback(" ".join(told)), "blocks": rich([line(one) for one in told[:MOST_LINES]], "answer")}
