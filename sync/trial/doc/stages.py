"""Stages, scores and segments in words: what lets a lead in, what takes it out, who answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import Playbook, Points, Score, Stage, When
from sync.playbook.models.goals import number
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.tree import Block, Item, Paragraph, Section, Strong, Words, grid, listing, words
from sync.trial.doc.wording import Naming, count, points, several, span, stage, value_name

_STATES = {"open": "it goes on", "won": "it is won", "lost": "it is lost"}


def stages(playbook: Playbook, speaker: Speaker, naming: Naming) -> Section:
    """Tell each stage from first to last, and the two machines beside them."""
    lead = "A lead stands in the last stage that lets it in; it goes back only as said here."
    items = (_stage(one, playbook, speaker, naming) for one in playbook.stages)
    more: list[Section] = []
    if playbook.statuses:
        more.append(Section("Lead statuses", listing(*(_status(one, playbook) for one in playbook.statuses))))
    deals: list[tuple[Words, ...]] = [
        (words(Strong(one.id)), (_STATES[one.state],), (_moves(one.stage),)) for one in playbook.opportunity_stages.values()
    ]
    if deals:
        more.append(Section("Opportunity stages", grid("Opportunity stages", ("Stage", "The deal", "Its people"), deals)))
    return Section("Stages", (Paragraph((lead,)), *listing(*items, ordered=True)), tuple(more))


def _status(one: str, playbook: Playbook) -> Words:
    label = playbook.status_labels.get(one, "")
    return (Strong(one), f": {label}") if label else (Strong(one),)


def _moves(to: str | None) -> str:
    return f"become {stage(to)}" if to else "stay where they are"


def _stage(one: Stage, playbook: Playbook, speaker: Speaker, naming: Naming) -> Item:
    under: list[Item | Words | None] = [(_said(one, playbook),) if one.when is None else speaker.item("Enters when", one.when)]
    under += [
        speaker.item(f"Of the segment {segment.id} enters when", segment.stages[one.id])
        for segment in playbook.segments
        if one.id in segment.stages
    ]
    if one.exit is not None:
        under.append(speaker.item("Leaves, back to the last stage that still lets it in, when", one.exit))
    if one.back is not None:
        under.append((f"May be moved backwards from here by: {several(sorted(one.back)) or 'nobody'}.",))
    if one.returns is not None:
        under.append(_returns(one.returns.after_ms, one.returns.when, speaker))
    if one.handoff:
        under.append(("From here on sales has it: a hand-off opens, and routing says who gets it.",))
    under.append((f"Accountable: {naming.person(one.accountable)}.",))
    return Item((Strong(stage(one.id)),), listing(*under))


def _said(one: Stage, playbook: Playbook) -> str:
    """Say who says that a lead stands in a stage without a rule."""
    deals = [f"“{name}”" for name, deal in playbook.opportunity_stages.items() if deal.stage == one.id]
    return f"A person, a system or a deal in {several(deals)} says so." if deals else "Only a person or a system says so."


def _returns(after_ms: int, when: When, speaker: Speaker) -> Item:
    waited = f" after {span(after_ms // 1000)} at the earliest" if after_ms else ""
    head = f"Comes back with the person’s next act{waited}"
    if not when.lines:
        return Item((f"{head}.",))
    return speaker.item(f"{head}, when", when)


def scores(playbook: Playbook, speaker: Speaker) -> Section:
    """Tell the points of fit and of engagement as tables, and what is taken from a field instead."""
    given = [
        (f"{_called(score).capitalize()} is not summed up here: it is the field {value_name(field)}.",)
        for score, field in playbook.scores.items()
    ]
    fit = grid("Fit", ("What", "Points", "When"), [(_label(one), (points(one.points),), _when(one, speaker)) for one in playbook.fit])
    columns = ("What", "Act", "Points", "Fades by half in", "Cap", "Counts for", "Shares a cap with", "Only when")
    acts = grid("Engagement", columns, [_act(one, speaker) for one in playbook.engagement])
    return Section(
        "Scores",
        tuple(Paragraph(text) for text in given),
        tuple(
            Section(title, blocks)
            for title, blocks in (
                ("Fit: what a lead is", (*_lead("The sum of the lines that hold.", fit), *fit)),
                (
                    "Engagement: what a person did",
                    (*_lead("The first line that fits an act counts.", acts), *acts, *listing(*_bounds(playbook))),
                ),
            )
            if blocks
        ),
    )


def _label(one: Points) -> Words:
    return (Strong(one.label),) if one.label else ()


def _lead(text: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    return (Paragraph((text,)),) if blocks else ()


def _called(score: Score) -> str:
    return "the whole score" if score == "score" else score


def _when(one: Points, speaker: Speaker) -> Words:
    """Give a condition in one text; a line has one."""
    if one.when is None:
        return ()
    return tuple(piece for place, line in enumerate(one.when.lines) for piece in words("; " if place else "", speaker.line(line)))


def _act(one: Points, speaker: Speaker) -> tuple[Words, ...]:
    what = f"{one.kind or 'any act'}{f' “{one.name}”' if one.name else ''}"
    fades = count(one.half_life_days, "day") if one.half_life_days else ""
    counts = count(one.window_days, "day") if one.window_days else ""
    cap = "" if one.cap is None else number(one.cap)
    texts = (what, points(one.points), fades, cap, counts, one.category)
    return (_label(one), *((text,) if text else () for text in texts), _when(one, speaker))


def _bounds(playbook: Playbook) -> Iterator[Words]:
    for category in playbook.categories.values():
        yield (f"All lines of {category.name} together give no more than {number(category.cap)}.",)
    scanners = playbook.scanners
    if scanners.touches and scanners.within_ms:
        acts = several(sorted(scanners.touches), "or")
        yield (f"{acts.capitalize()} within {span(scanners.within_ms // 1000)} of delivery is a machine’s, and gives no points.",)


def segments(playbook: Playbook, speaker: Speaker) -> Section:
    """Tell the parts of the market, the first that holds is the lead's."""
    items = [Item((Strong(one.id),), listing(speaker.item("When", one.when), *_own(tuple(one.stages)))) for one in playbook.segments]
    return Section("Segments", listing(*items, ordered=True))


def _own(names: tuple[str, ...]) -> tuple[Words, ...]:
    return ((f"Has its own definition of {several(map(stage, names))}, which stands with the stages.",),) if names else ()
