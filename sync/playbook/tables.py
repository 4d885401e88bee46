"""CSV with positions, as strict as the YAML: a typed header, one cell per column, every bad cell named by line and column."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from sync.playbook import cells
from sync.playbook.document import Document, Spot, spot_at
from sync.playbook.models import Column, Table, Where
from sync.playbook.models.tables import KINDS, Cell, ColumnKind
from sync.playbook.problems import did_you_mean

MAX_BYTES = 32 << 20
MAX_ROWS = 200_000
MAX_COLUMNS = 50
TOLD = 50
"""So many problems of one table are told one by one."""
FOLDER, SUFFIX = "tables/", ".csv"
NAMED: dict[str, ColumnKind] = {
    "owner": "person",
    "from": "date",
    "until": "date",
    "postal_from": "postal",
    "postal_to": "postal",
    **{kind: kind for kind in KINDS if kind not in ("text", "number")},
}
"""Columns whose name says what they hold."""
FIXED = ("owner", "pool", "from", "until")
"""Those that hold nothing else."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}$")
_ODD = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_table(file: str) -> bool:
    """Say whether a file of the playbook is a table."""
    return file.startswith(FOLDER) and file.endswith(SUFFIX) and "/" not in file.removeprefix(FOLDER)


def name_of(file: str) -> str:
    """Give the name that a table's file has in rules: `tables/partners.csv` is partners."""
    return file.removeprefix(FOLDER).removesuffix(SUFFIX)


def parse(file: str, content: bytes) -> tuple[Document, Table | None]:
    """Read one table; whatever is wrong with it stands in the document's problems. The table is None when its header cannot be used."""
    document = Document(file, [])
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name_of(file)):
        document.problem(
            (), "a table's name is written as it stands in rules", "rename the file: small letters, digits, _ and -, a letter first"
        )
    text = _text(document, content)
    if text is None:
        return document, None
    reader = _Reader(document, text, _delimiter(document.lines))
    table = reader.read() if not document.problems else None
    return document, table


def _text(document: Document, content: bytes) -> str | None:
    """Give the text, its lines kept in the document; None when it is too large or no text of UTF-8."""
    if len(content) > MAX_BYTES:
        document.problem((), f"{len(content):,} bytes are too many: a table has {MAX_BYTES:,} at most", "split it into several tables")
        return None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or content[1:2] == b"\0":
        document.problem((), "UTF-16, not UTF-8", "save it as CSV UTF-8")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        document.problem((), "not UTF-8", "save it as CSV UTF-8", at=spot_at(before, len(before)))
        return None
    document.lines = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    odd = _ODD.search(text)
    if odd:
        above = list(io.StringIO(text[: odd.end()], newline=""))
        said = f"the character U+{ord(odd.group()):04X} may not stand in a table"
        document.problem((), said, "delete it", at=Spot(len(above), len(above[-1])))
        return None
    return text


def _delimiter(lines: list[str]) -> str:
    """Give what separates the cells: a comma, or the semicolon that spreadsheets write where the comma is for decimals."""
    head = lines[0] if lines else ""
    return ";" if ";" in head and "," not in head else ","


@dataclass(slots=True)
class _Reader:
    document: Document
    text: str
    delimiter: str
    columns: tuple[Column, ...] = ()
    titled: bool = False
    """The header is read."""
    untold: int = 0
    first: int = 1
    """The line that the row at hand begins on."""
    lines: list[int] = field(default_factory=list)

    def read(self) -> Table | None:
        """Read everything."""
        rows = self._rows()
        head = next(rows, None)
        if head is None:
            if not self.document.problems:
                self.document.problem((), "an empty table", "begin with a line of column names: email_domain:domain,tier")
            return None
        if not self._header(head):
            return None
        self.titled = True
        body = self._body(rows)
        if self.untold:
            self.document.problem((), f"and {self.untold:,} more problems in this table", at=Spot(1, 1))
        file = self.document.file
        return Table(name_of(file), Where(file, 1), self.columns, body, array("L", self.lines))

    def _rows(self) -> Iterator[list[str]]:
        """Give the rows that are not blank; `first` is then the line that the row begins on."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True)
        self.first = 1
        try:
            for row in reader:
                if any(map(str.strip, row)):
                    yield row
                self.first = reader.line_num + 1
        except csv.Error as error:
            self._broken(str(error), reader.line_num)

    def _broken(self, said: str, line: int) -> None:
        if "field larger" in said or "unexpected end" in said:
            hint = 'end it with "; a quote inside a quoted cell is written twice: ""'
            self.document.problem((), "a quote is opened and never closed", hint, at=self._opened())
        else:
            hint = 'a cell that has quotes in it begins and ends with ", and writes each of them twice: ""'
            self.document.problem((), "something stands behind a closing quote", hint, at=Spot(line, 1))

    def _opened(self) -> Spot:
        """Give the place of the quote that nothing closes."""
        found, quoted = Spot(self.first, 1), False
        for line in range(self.first, len(self.document.lines) + 1):
            for column, letter in enumerate(self.document.line(line), 1):
                if letter == '"':
                    quoted = not quoted
                    found = Spot(line, column) if quoted else found
        return found

    def _header(self, head: list[str]) -> bool:
        """Read the columns; False when they cannot be used."""
        while head and not head[-1].strip():
            head.pop()
        before = len(self.document.problems)
        if self.delimiter == "," and len(head) == 1 and "\t" in head[0]:
            self.document.problem(
                (), "cells are separated by tabs", "save it as CSV, separated by commas", at=Spot(self.first, head[0].index("\t") + 1)
            )
            return False
        if head[0].lower().startswith("sep="):
            self.document.problem((), "the first line names the columns", f"delete {head[0]}", at=Spot(self.first, 1))
            return False
        if len(head) > MAX_COLUMNS:
            self.document.problem((), f"{len(head)} columns are too many: {MAX_COLUMNS} at most", at=self._spot(MAX_COLUMNS))
            return False
        found = [self._column(number, cell.strip()) for number, cell in enumerate(head)]
        self.columns = tuple(column for column in found if column is not None)
        return len(self.document.problems) == before

    def _column(self, number: int, cell: str) -> Column | None:
        name, colon, kind = (part.strip() for part in cell.partition(":"))
        if not _NAME.match(name):
            better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
            hint = f"write {better}{colon}{kind}" if _NAME.match(better) else "small letters, digits and _, a letter first"
            self._told(number, f"{name} is no name for a column" if name else "a column without a name", hint)
            return None
        if any(name == other.name for other in self.columns):
            self._told(number, f"a second column {name}", "a column's name is used once")
        self.columns = (*self.columns, Column(name))
        known = next((one for one in KINDS if one == kind), None)
        if colon and known is None:
            self._told(number, f"unknown type {kind}", did_you_mean(kind, KINDS))
        named = NAMED.get(name, "text")
        if name in FIXED and known not in (None, named):
            self._told(number, f"{name} is a {named} in every table, not a {known}", f"write {name}, or give the column another name")
        return Column(name, known or named)

    def _body(self, rows: Iterator[list[str]]) -> tuple[tuple[Cell, ...], ...]:
        readers = [cells.READERS[column.kind] for column in self.columns]
        width = len(self.columns)
        body: list[tuple[Cell, ...]] = []
        same: dict[str, str] = {}
        for row in rows:
            if len(row) != width and not self._fits(row):
                continue
            made: list[Cell] = []
            for number, reader in enumerate(readers):
                text = row[number].strip()
                cell = reader(text) if text else None
                if isinstance(cell, cells.Wrong):
                    self._told(number, cell.text, cell.suggestion)
                else:
                    # texts that come again are kept once: a table is mostly the same few words
                    made.append(same.setdefault(cell, cell) if isinstance(cell, str) else cell)
            if len(made) < width:
                continue
            body.append(tuple(made))
            self.lines.append(self.first)
            if len(body) > MAX_ROWS:
                said = f"more than {MAX_ROWS:,} rows"
                self.document.problem((), said, "split it into several tables", at=Spot(self.first, 1))
                break
        return tuple(body)

    def _fits(self, row: list[str]) -> bool:
        """Say whether a row has a cell per column; blank cells too many are dropped."""
        while len(row) > len(self.columns) and not row[-1].strip():
            row.pop()
        if len(row) == len(self.columns):
            return True
        wanted = len(self.columns)
        hint = "put a cell that has a comma in it between quotes" if len(row) > wanted and self.delimiter == "," else "add what is missing"
        self._told(min(len(row), wanted) - 1, f"{len(row)} cell{'s' * (len(row) != 1)}, and {wanted} columns", hint)
        return False

    def _told(self, number: int, text: str, suggestion: str) -> None:
        """Note a problem of a cell of the row at hand."""
        if len(self.document.problems) >= TOLD:
            self.untold += 1
            return
        path = (self.columns[number].name,) if self.titled else ()
        self.document.problem(path, text, suggestion, at=self._spot(number))

    def _spot(self, number: int) -> Spot:
        return spot(self.document, self.first, number, self.delimiter)


def spot(document: Document, line: int, number: int, delimiter: str | None = None) -> Spot:
    """Give the place of a cell: of the row that begins on this line, by its number from 0."""
    between = delimiter or _delimiter(document.lines)
    cell, column, quoted = 0, 0, False
    text = document.line(line)
    while cell < number:
        if column >= len(text):
            if not quoted or line >= len(document.lines):
                break
            line, column = line + 1, 0
            text = document.line(line)
            continue
        letter = text[column]
        if letter == '"':
            quoted = not quoted
        elif letter == between and not quoted:
            cell += 1
        column += 1
    rest = text[column:]
    ends = rest.find('"', 1) + 1 if rest.startswith('"') else rest.find(between)
    width = ends if ends > 0 else len(rest)
    start = column + (len(rest[:width]) - len(rest[:width].lstrip()))
    return Spot(line, start + 1, end_line=line, end_column=max(start + 2, column + width + 1))
