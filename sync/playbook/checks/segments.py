"""Whether every segment of lifecycle.yaml is somebody's, and its own definitions are asked."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.claims import Claim
from sync.playbook.checks.exits import FILE, empty, read
from sync.playbook.checks.reach import ALWAYS, Before, Budget, Known
from sync.playbook.document import Path
from sync.playbook.models import SIDE_EXITS


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note every problem of the segments."""
    order, seen = Order(files, "segment"), dict[str, int]()
    for index, segment in enumerate(form.segments):
        path: Path = ("segments", index)
        if segment.id in seen:
            where = files.where(FILE, ("segments", seen[segment.id], "id"))
            files.problem(FILE, (*path, "id"), f"a second segment {segment.id}", f"the first is at {where}; an id is used once")
        seen.setdefault(segment.id, index)
        order.look((*path, "when"), (*path, "id"), segment.id, segment.when, key=False)
        for stage, when in segment.stages.items():
            _definition(files, form, (*path, "stages", stage), stage, when)


def _definition(files: Files, form: forms.LifecycleFile, path: Path, stage: str, when: forms.WhenForm | str) -> None:
    if stage not in form.stages:
        hint = f"add it under stages, or name one that is there: {', '.join(form.stages)}"
        files.problem(FILE, path, f"there is no stage {stage}", hint, key=True)
    elif stage in SIDE_EXITS:
        said = f"{stage} is a side exit: sales takes a lead there, and this is never asked"
        files.problem(FILE, path, said, "delete it", key=True)
    else:
        empty(files, path, when, f"no lead of this segment is ever let into {stage}")


class Order:
    """Things of which the first that holds counts; what earlier ones leave nothing for is never reached."""

    def __init__(self, files: Files, what: str) -> None:
        """Take the files, and how one of these things is called."""
        self.files, self.what, self.before = files, what, Before(Budget())

    def look(self, when: Path, at: Path, name: str, form: forms.WhenForm | str, *, key: bool) -> Claim | None:
        """Note one that can never hold or is never reached; gives what it asks for where it is reached."""
        if empty(self.files, when, form, "never reached"):
            return None
        found = read(self.files, when, form)
        if found is None:
            return None
        taken = self.before.taken(found, ALWAYS)
        if taken:
            who = " and ".join(f"{one.id} ({self.files.where(FILE, one.path, key=key)})" for one in taken[:3])
            said = f"never reached: the first {self.what} that holds counts"
            self.files.problem(FILE, at, said, f"every lead that fits is taken by {who}; move it above", key=key)
            return None
        self.before.add(Known(at if key else at[:-1], name, found, ALWAYS))
        return found
