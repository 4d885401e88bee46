"""Says where the pages for people are, once they answer."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from sync.cli.output import console


@dataclass
class Pages:
    """The pages of one run: on this port, under this address, with the key that opens the list of companies."""

    port: int
    url: str
    key: str
    patience_s: float = 1.0
    said: bool = False

    def look(self) -> None:
        """Look once, and say it once."""
        if not self.said and self._answers():
            self.said = True
            console.print(f"The pages answer at {self.url}: behind each alert's link its problems; companies that visit: {self.url}/visits?key={self.key}", markup=False)  # fmt: skip

    def _answers(self) -> bool:
        line = HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)
        try:
            line.request("GET", "/health")
            return line.getresponse().status == 204
        except (OSError, HTTPException):
            return False
        finally:
            line.close()
