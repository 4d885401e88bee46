"""Each file in bad/ makes one mistake; its head says which problems must be told, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.loader import load_files, read
from sync.playbook.problems import PlaybookError

HERE = Path(__file__).parent
GOOD = read(HERE / "good")
MORE = read(HERE / "good" / "more")
"""The optional files; they stand beside the others where a mistake is in one of them."""
APART = ("cases/", "goals.yaml")
"""What of the example speaks of its own segments, which a file in bad/ need not have."""
EXAMPLE = {name: content for name, content in read(HERE.parents[1] / "deploy" / "playbook").items() if not name.startswith(APART)}
BESIDE = "# beside the example playbook"
"""The line in the head of a file that does not fit the good ones: the other files are the example's."""
WITH_MORE = "# beside the optional files"
"""The same where the mistake shows only beside good/more."""
BAD = sorted(path for path in (HERE / "bad").iterdir() if path.suffix in (".yaml", ".csv"))


def expected(text: str) -> tuple[str, list[str]]:
    lines = text.splitlines()
    told = [line.removeprefix("# expect ") for line in lines if line.startswith("# expect ")]
    return lines[0].removeprefix("# ").partition(":")[0], told


def content(path: Path) -> bytes:
    """Give what stands in the file; a table has no comments, so its head is no part of it."""
    lines = path.read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if path.suffix != ".csv" or not line.startswith((b"# expect ", b"# tables/")))


@pytest.mark.parametrize("path", BAD, ids=[path.stem for path in BAD])
def test_mistake_is_told_at_its_place(path: Path) -> None:
    file, wanted = expected(path.read_text(errors="replace"))
    head = path.read_text(errors="replace").splitlines()
    others = EXAMPLE if BESIDE in head else GOOD | (MORE if file in MORE or WITH_MORE in head else {})
    with pytest.raises(PlaybookError) as caught:
        load_files(others | {file: content(path)})
    told = [f"{p.place}  {p.path}  {p.text}  →  {p.suggestion}".rstrip() for p in caught.value.problems]
    assert told == [line.rstrip() for line in wanted]
    shown = content(path).decode("utf-8-sig", errors="replace").splitlines()
    for problem in (one for one in caught.value.problems if one.source and one.file == file):
        assert problem.source == shown[problem.line - 1]
        assert 1 <= problem.column <= len(problem.source) + 1


def test_there_are_many_of_them_and_the_good_ones_load() -> None:
    assert len(BAD) >= 70
    assert load_files(GOOD).version == 0
    assert load_files(GOOD | MORE).slas.default == "normal"


def test_all_problems_of_all_files_are_told_at_once_and_sorted() -> None:
    team = GOOD["team.yaml"].replace(b"Berlin", b"Berln")
    routing = GOOD["routing.yaml"].replace(b"lead.employees", b"lead.employes").replace(b"pool: emea-ae", b"pool: emea-ea")
    with pytest.raises(PlaybookError) as caught:
        load_files(GOOD | {"team.yaml": team, "routing.yaml": routing})
    places = [(p.file, p.line) for p in caught.value.problems]
    assert places == sorted(places)
    assert [p.file for p in caught.value.problems] == ["routing.yaml"] * 3 + ["team.yaml"]
    assert caught.value.render(12).endswith("4 problems in 2 files (6 read). The version in force (v12) is untouched.")


def test_a_problem_is_shown_with_the_line_and_a_caret() -> None:
    routing = GOOD["routing.yaml"].replace(b"lead.employees", b"lead.employes")
    with pytest.raises(PlaybookError) as caught:
        load_files(GOOD | {"routing.yaml": routing})
    assert caught.value.render().splitlines()[:3] == [
        "routing.yaml:9:20  routes[0].routes[0].when (emea-large)  unknown field lead.employes",
        "    9 |         when: lead.employes >= 500",
        "      |                    ^^^^^^^^ did you mean lead.employees (fields.yaml:12, number)?",
    ]
    assert caught.value.plain()[0]["line"] == 9
