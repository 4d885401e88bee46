"""`truce up --watch`: a playbook that is saved is applied, by the same steps as `truce apply`; a half-written one changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sync.cli import copies
from sync.cli.apply import examine, objection, put, size
from sync.cli.output import console
from sync.cli.place import Place
from sync.playbook.loader import checksum, read
from sync.playbook.problems import PlaybookError
from sync.runtime.guard import passing
from sync.settings import Settings
from sync.store.connect import connect
from sync.store.playbooks import Overtaken
from sync.trial.diff import told


@dataclass
class Watch:
    """Looks at the folder once a second, and acts when what stands there has stayed the same from one look to the next."""

    settings: Settings
    here: Place
    _last: str = ""
    _done: str = field(default="")

    def look(self) -> None:
        """Look once; what is new and no longer being written is applied, or its problems are told."""
        try:
            found = checksum(read(self.settings.playbook, self.settings.environment))
        except (OSError, PlaybookError):
            return  # being replaced just now
        settled, self._last = found == self._last, found
        if not settled or found == self._done:
            return
        first, self._done = not self._done, found
        try:
            told = asyncio.run(self._apply(quiet=first))
        except Exception as error:
            if passing(error) is None and not isinstance(error, Overtaken | PlaybookError):
                raise
            told = error.render() if isinstance(error, PlaybookError) else f"Not applied: {error}"
            self._done = found if isinstance(error, PlaybookError) else ""
        if told:
            console.print(told, markup=False)

    async def _apply(self, *, quiet: bool) -> str:
        connection = await connect(self.here.dsn, self.here.installation)
        try:
            found = await examine(connection, self.here, self.settings.playbook, self.settings)
            if found.same:
                return "" if quiet else f"{self.settings.playbook} says what is in force already."
            lines = [f"  {place}  {text}" for place, text in told(found.differences)]
            if found.moves is not None:
                lines.append(size(found.moves))
            folder = self.settings.playbook
            why = await objection(connection, found, folder)
            if why is not None:
                return "\n".join([*lines, f"Refused: {why}"])
            version = await put(connection, found, "watch")
            copies.move_on(folder, version, found.candidate.checksum)
            return "\n".join([*lines, f"v{version} is in force.", *found.left])
        finally:
            await connection.close()
