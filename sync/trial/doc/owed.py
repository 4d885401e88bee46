"""Who owes what by when: goals and promises, the kinds of hand-off, the SLAs with what follows, the reasons for a no."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import MQL, PLURALS, FollowUp, Goal, Goals, Kind, LegRule, Playbook, Reason, Sla, Step
from sync.playbook.models.goals import number
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.tree import Item, Paragraph, Section, Strong, Words, grid, listing
from sync.trial.doc.wording import Naming, count, several, share, stage, within

_LEGS = {
    "accept": ("Accept", "from the offer until the owner accepts it, or gives it back with a reason"),
    "first_response": ("First response", "until the first call, e-mail or meeting"),
    "work": ("Work", "until it is an SQL, recycled or disqualified"),
}
_DOES = {
    "remind": "the owner is reminded",
    "escalate": "the manager is told",
    "reassign": "it goes to the next whom its route finds",
    "fallback": "it goes to the fallback of its route",
    "away": "the owner counts as away until they say otherwise",
}
_OUTCOMES = {"reassign": "it goes to the next", "recycle": "it goes back to marketing", "disqualify": "it is disqualified"}
_TO = {
    "owner": "the lead’s owner",
    "account_owner": "whoever owns the account",
    "opportunity_owner": "whoever owns the open opportunity",
}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def owed(playbook: Playbook, speaker: Speaker, naming: Naming) -> Section:
    """Tell what both sides want, and what each owes the other."""
    return Section("Who owes what by when", (), tuple(_sections(playbook, speaker, naming)))


def _sections(playbook: Playbook, speaker: Speaker, naming: Naming) -> Iterator[Section]:
    goals = playbook.goals
    if goals.goals:
        yield Section(
            "Goals that both sides share",
            (Paragraph((_counted(goals),)), *grid("Goals", _GOAL, [_goal(one, goals, naming) for one in goals.goals])),
        )
    if goals.marketing:
        yield Section("What marketing promises", grid("Marketing’s promises", _MQLS, list(_mqls(goals, naming))))
    if goals.sales:
        yield Section("What sales promises", grid("Sales’ promises", _WORK, list(_work(playbook, naming))))
    yield Section("Kinds of hand-off", listing(_first(playbook), *(_kind(one, speaker, naming) for one in playbook.handoffs)))
    for sla in playbook.slas.named.values():
        yield Section(
            f"SLA {sla.name}",
            listing(*_sla(sla, playbook)) + grid(f"SLA {sla.name}", _LEG, [_leg(one, speaker, naming) for one in sla.legs]),
        )
    if playbook.slas.reasons:
        yield Section("Reasons to give a lead back", grid("Reasons", _REASON, [_reason(one) for one in playbook.slas.reasons.values()]))


_GOAL = ("Goal", "Id", "Target", "Segment", "What the promises give", "Accountable")
_MQLS = ("Promise", "MQLs a month", "Segment", "How far they get", "What a customer is worth", "Accountable")
_WORK = ("Promise", "SLA", "Segment", "Done in time", "Accountable")
_LEG = ("Leg", "What", "Within", "Reminder", "When it is late", "Done also when", "Task in the CRM", "Accountable")
_REASON = ("Reason", "Id", "What follows", "Comes back after", "A comment is asked for", "Counts against marketing’s quality")


def _counted(goals: Goals) -> str:
    zone = f" in {goals.timezone} time" if goals.timezone else ""
    return f"Weeks begin on {_WEEKDAYS[goals.week_starts - 1]}, fiscal years in {_MONTHS[goals.fiscal_year_starts - 1]}{zone}. Money is in {goals.currency}."


def _goal(one: Goal, goals: Goals, naming: Naming) -> tuple[Words, ...]:
    target = number(one.target)
    what = f"{target} {goals.currency}" if one.measure == "amount" else f"{target} {PLURALS[one.measure]}"
    sums = "; ".join(part.words for part in goals.parts(one))
    return _row(one.name, one.id, f"{what} a {one.per}", one.segment or "", sums, naming.person(one.accountable))


def _mqls(goals: Goals, naming: Naming) -> Iterator[tuple[Words, ...]]:
    for one in goals.marketing:
        quality = several(f"{share(part)} become {PLURALS[name]}" for name, part in one.quality.items())
        worth = f"{number(one.amount)} {goals.currency}" if one.amount else ""
        yield _row(one.id, number(one.mqls), one.segment or "", quality, worth, naming.person(one.accountable))


def _work(playbook: Playbook, naming: Naming) -> Iterator[tuple[Words, ...]]:
    for one in playbook.goals.sales:
        done = several(f"{_LEGS[leg][0].lower()} {share(part)}" for leg, part in one.within.items())
        yield _row(one.id, one.sla, one.segment or "", done, naming.person(one.accountable))


def _row(*texts: str) -> tuple[Words, ...]:
    return tuple((Strong(text),) if not place else (text,) if text else () for place, text in enumerate(texts))


def _first(playbook: Playbook) -> Item | None:
    names = [stage(one.id) for one in playbook.stages if one.handoff]
    if not names:
        return None
    default = f" Its SLA is the route’s, else {playbook.slas.default}." if playbook.slas.default else ""
    return Item((Strong(MQL), f": entering {several(names, 'or')}. It goes to whoever routing finds.{default}"))


def steps(found: tuple[Step, ...], naming: Naming) -> str:
    """Say where is looked one after the other."""
    return ", then ".join(_step(one, naming) for one in found)


def _step(one: Step, naming: Naming) -> str:
    if one.queue is not None:
        return f"the queue {one.queue.name} ({naming.person(one.queue.human)} answers for it)"
    return f"the pool {one.pool}" if one.pool else naming.person(one.owner)


def _kind(one: Kind, speaker: Speaker, naming: Naming) -> Item:
    acts = several(sorted(one.touches), "or")
    rest = [
        (f"Goes to {_TO[one.to]}{f', else to {steps(one.fallback, naming)}' if one.fallback else ''}.",),
        (f"SLA {one.sla}.",) if one.sla else None,
    ]
    return Item(
        (Strong(one.id), f": an act of the kind {acts}. It is no MQL, and the stage stays."), listing(speaker.item("When", one.when), *rest)
    )


def _sla(sla: Sla, playbook: Playbook) -> Iterator[Words]:
    if sla.label:
        yield (f"{sla.label}.",)
    if playbook.slas.default == sla.name:
        yield ("For every hand-off whose route names no other.",)
    if sla.offers is not None:
        yield (f"After {count(sla.offers, 'person', 'people')} in a row it goes to the fallback of its route.",)
    if sla.pause is not None:
        yield (f"The owner may stop the clock, waiting for the customer, for {within(sla.pause)} at most.",)


def _leg(one: LegRule, speaker: Speaker, naming: Naming) -> tuple[Words, ...]:
    name, what = _LEGS[one.leg]
    late = "; ".join(_follow(follow) for follow in one.then)
    warn = f"{within(one.warn)} before" if one.warn else ""
    done: Words = ()
    for line in one.done.lines if one.done else ():
        done += ("; ", *speaker.line(line)) if done else speaker.line(line)
    task = "yes" if one.task else ""
    return (*_row(name, what, within(one.within), warn, late), done, *_row("-", task, naming.person(one.accountable))[1:])


def _follow(one: FollowUp) -> str:
    after = f"{within(one.after)} later " if one.after else ""
    misses = f", after {count(one.misses, 'leg')} in a row that ran out" if one.misses else ""
    return f"{after}{_DOES[one.do]}{misses}"


def _reason(one: Reason) -> tuple[Words, ...]:
    after = within(one.after) if one.after else ""
    return _row(one.label, one.id, _OUTCOMES[one.then], after, "yes" if one.comment else "", "yes" if one.quality else "no")
