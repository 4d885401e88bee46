"""Ids of vendors where they do not belong: they differ from one environment to the next, and stand in env/<name>.yaml alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sync.playbook.build.files import Files
from sync.playbook.document import Document, Path, column_of, written

_SALESFORCE = re.compile(r"(?<![\w./-])(?=\w{3}\w*[A-Za-z])(00[1356DGQ]|012|701)(?:[0-9A-Za-z]{15}|[0-9A-Za-z]{12})(?![\w-])")
"""The prefix says what a Salesforce id is of: 001 account, 003 contact, 005 user, 006 opportunity, 00D org, 00G queue, 00Q lead, …"""
_SLACK = re.compile(r"(?<![\w./-])([CGUW]0)[0-9A-Z]{7,11}(?![\w-])")
_DEFAULTS = "env/<name>.yaml may give it under systems, defaults"
_INSTEAD = {
    "005": "name the person by e-mail",
    "00G": "name the queue; env/<name>.yaml gives its id under queues",
    "012": _DEFAULTS,
    "C0": "name the channel; env/<name>.yaml gives its id under channels",
    "G0": "name the channel; env/<name>.yaml gives its id under channels",
    "U0": "name the person by e-mail; team.yaml says under reach how they are reached",
    "W0": "name the person by e-mail; team.yaml says under reach how they are reached",
}


def run(files: Files) -> None:
    """Note every id of a vendor outside env/ that can be told from its looks."""
    for file, document in files.documents.items():
        if file.startswith(("env/", "cases/", "inbound/")):
            continue
        for path in _texts(document):
            _look(document, path)


def _texts(document: Document) -> Iterator[Path]:
    for path, spot in document.values.items():
        if spot.raw and not (document.file == "team.yaml" and "reach" in path):
            yield path


def _look(document: Document, path: Path) -> None:
    spot = document.spot(path)
    for vendor, pattern in (("Salesforce", _SALESFORCE), ("Slack", _SLACK)):
        if found := pattern.search(spot.raw):
            at = type(spot)(spot.line, column_of(document, spot, found.start()))
            text = f"{found.group()} is an id of {vendor}, which is another in the next environment"
            document.problems = [one for one in document.problems if one.path != written(path)]  # this says why
            document.problem(path, text, _INSTEAD.get(found[1], _DEFAULTS), at=at, width=len(found.group()))
