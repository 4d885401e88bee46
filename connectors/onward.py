"""A list that is read page by page: a page that begins where another one began before would have no end."""

from __future__ import annotations

from collections.abc import Hashable

from connectors.errors import Surprising


class Onward:
    """The places at which pages of one list began, as long as it is read; a vendor that shows one again goes round in circles."""

    def __init__(self, what: str) -> None:
        self._what, self._begun = what, set[Hashable]()

    def at(self, place: Hashable) -> None:
        """Note where the next page begins; raises Surprising where one began before."""
        if place in self._begun:
            raise Surprising(f"the pages of {self._what} come again")
        self._begun.add(place)
