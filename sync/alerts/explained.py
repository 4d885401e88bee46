"""Why a lead stands where it stands and is whose it is, in a few lines; what its values are, its owner alone is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sync.alerts.story import Story
from sync.playbook.models import MQL, Playbook

MOST = 12


def explained(doc: Mapping[str, Any], playbook: Playbook, reader: str, accepted_by: str = "") -> Iterator[str]:
    """Give the lines; `reader` is an e-mail, `accepted_by` whose yes made it a SAL (an e-mail, or what else stands in the timeline)."""
    story, note = Story(doc, playbook, int(doc.get("now") or 0), {}), doc.get("handoff") or {}
    mine = reader == (note.get("owner") or story.value("owner"))
    who = f"{story.name} · {story.where}" if mine else story.company
    owner = story.value("owner") or note.get("owner")
    yield f"{who} · {story.stage or 'no stage'} · with {story.person(owner)}"
    whys = doc.get("why") or {}
    for what, title in (("stage", f"Why {story.stage or 'no stage'}?"), (_owner(note), f"Why {story.person(owner)}?")):
        why = whys.get(what)
        if why:
            yes = _yes(story, accepted_by) if what == "stage" and story.value("stage") == "sal" else ""
            yield f"{title} {' · '.join(one for one in (yes, why.get('rule'), why.get('how')) if one)}, playbook v{why.get('version', '?')}"
            yield from (_line(one, told=mine) for one in list(why.get("lines") or ())[:MOST])
            over = [f"{story.person(one['who'])} ({one['why']})" for one in why.get("passed_over") or ()]
            if over:
                yield f"passed over: {' · '.join(over[:MOST])}"


def _yes(story: Story, by: str) -> str:
    if not by:
        return ""
    return f"{story.person(by)} accepted it" if "@" in by else f"accepted in {story.system(by)}"


def _owner(note: Mapping[str, Any]) -> str:
    return "owner" if (note.get("kind") or MQL) == MQL else "handoff"


def _line(line: Mapping[str, Any], *, told: bool) -> str:
    mark, inner = "✔" if line.get("matched") else "✘", line.get("lines") or ()
    reasons = " · ".join(str(one.get("why") or one.get("text") or "") for one in inner) or str(
        line.get("why") or line.get("text") or "matches always"
    )
    return f"{mark} {line.get('where', '')} {line.get('id', '')}{f'  {reasons}' if told else ''}".rstrip()
