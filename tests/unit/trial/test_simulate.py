"""A candidate tried on a history file: what differs, how sure it is, and that neither processes nor broken lines change the answer."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cli import parallel
from sync.cli.bench.past import write
from sync.cli.output import CannotRun
from sync.cli.parallel import Books, simulate
from sync.cli.past import File
from sync.cli.simulate import _lines
from sync.playbook.loader import read
from sync.trial.history import Header, Recorded, Unusable, read_record, write_header, write_record
from sync.trial.simulate import TURN, Simulation
from sync.trial.sure import share
from tests.commands import truce
from tests.house.project import ROOT

EXAMPLE = ROOT / "deploy" / "playbook"
LEADS = 60


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "h.jsonl.gz"
    write(path, LEADS)
    return path


def changed(file: str, before: bytes, after: bytes) -> Books:
    old = read(EXAMPLE)
    assert before in old[file]
    return Books(old, old | {file: old[file].replace(before, after)})


def same() -> Books:
    return Books(read(EXAMPLE), read(EXAMPLE))


def higher() -> Books:
    return changed("lifecycle.yaml", b"lead.engagement >= 40", b"lead.engagement >= 400")


@pytest.fixture(scope="module")
def equal(history: Path) -> Simulation:
    """What comes out for equal playbooks, for all tests to look at."""
    return simulate(File(history), same(), 0, processes=1)


@pytest.fixture(scope="module")
def higher_found(history: Path) -> Simulation:
    """What comes out for a higher threshold, for all tests to look at."""
    return simulate(File(history), higher(), 0, processes=1)


def test_equal_playbooks_show_no_difference(equal: Simulation) -> None:
    found = equal
    assert (found.looked, found.everyone, found.messages) == (LEADS, LEADS, 5 * LEADS)
    assert {what: one.found for what, one in found.counts.items()} == {"stage": 0, "owner": 0, "sla": 0}
    assert all(before == after for table in (found.weeks, found.sources, found.load) for before, after in table.values())
    assert sum(before for before, _ in found.load.values()) > 10, "a history in which nobody is handed over proves nothing"


def test_a_higher_threshold_shows_who_is_no_mql_and_by_which_line(higher_found: Simulation) -> None:
    found = higher_found
    assert found.counts["stage"].found > 0
    first = found.examples["stage"][0]
    assert first.before == "mql"
    assert first.after in ("lead", "inquiry")
    assert first.rule_before.startswith("lifecycle.yaml:")
    assert first.detail.startswith("lifecycle.yaml:")
    assert len(found.examples["stage"]) == min(10, found.counts["stage"].found)
    assert sum(after for _, after in found.weeks.values()) < sum(before for before, _ in found.weeks.values())
    assert sum(after for _, after in found.load.values()) == sum(after for _, after in found.weeks.values())


def test_the_answer_does_not_depend_on_processes_or_rounds(
    history: Path, higher_found: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "ALONE", 0)
    monkeypatch.setattr(parallel, "CHUNK", 9)
    monkeypatch.setattr(parallel, "ROUND", 75)
    assert simulate(File(history), higher(), 0, processes=2).plain() == higher_found.plain()


def test_a_sample_is_drawn_the_same_way_each_time_and_says_how_sure_it_is(history: Path, higher_found: Simulation) -> None:
    whole = higher_found.counts["stage"].found
    some = simulate(File(history), higher(), LEADS // 2, processes=1)
    assert some.plain() == simulate(File(history), higher(), LEADS // 2, processes=1).plain()
    assert (some.looked, some.everyone, some.sampled) == (LEADS // 2, LEADS, True)
    assert some.counts["stage"].low <= whole <= some.counts["stage"].high


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 400))
def test_an_interval_holds_what_was_found_and_is_exact_of_all(looked: int, more: int, count: int) -> None:
    count = min(count, looked)
    one = share(count, looked, looked + more)
    assert count <= one.low <= one.high <= more + count
    whole = share(count, looked, looked)
    assert (whole.low, whole.high) == (count, count)


def test_a_larger_sample_is_surer() -> None:
    small, large = share(10, 100, 100_000), share(100, 1_000, 100_000)
    assert large.high - large.low < small.high - small.low
    assert small.low < 10_000 < small.high


# ---- the file


def copy(history: Path, folder: Path, *edits: tuple[int, bytes]) -> Path:
    lines = gzip.decompress(history.read_bytes()).splitlines(keepends=True)
    for number, text in edits:
        lines[number - 1] = text
    path = folder / "copy.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_broken_lines_are_told_with_their_number_and_left_out(history: Path, tmp_path: Path) -> None:
    strange = write_record(1, b"k", b"{}", [("ce_type", b"truce.moon.landed"), ("ce_id", b"1")])
    path = copy(history, tmp_path, (5, b"not json\n"), (9, strange), (11, b'{"at": "noon"}\n'))
    found = simulate(File(path), same(), 0, processes=1)
    assert [line for line, _ in found.unusable] == [5, 9, 11]
    assert found.unusable[1][1] == "unknown type 'truce.moon.landed'"
    assert found.messages == 5 * LEADS - 3


def test_a_file_that_ends_in_the_middle_is_used_as_far_as_it_goes(history: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(history.read_bytes()[:-2_000])
    found = simulate(File(path), same(), 0, processes=1)
    assert 0 < found.messages < 5 * LEADS
    assert "the file ends in the middle" in found.unusable[-1][1]


@pytest.mark.parametrize("text", [b"", b"hello\n", b'{"at": 1}\n', b'{"truce_history": 99}\n'])
def test_what_is_no_history_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(text)
    with pytest.raises(CannotRun, match="no header of a history"):
        File(path)


def _utf8(value: bytes) -> bool:
    return value.decode(errors="replace").encode() == value


@given(st.integers(0, 2**50), st.none() | st.binary(max_size=40).filter(_utf8), st.none() | st.binary(max_size=200))
def test_a_message_survives_the_file(at: int, key: bytes | None, value: bytes | None) -> None:
    headers = [("ce_id", b"1"), ("ce_type", b"truce.touch.recorded")]
    read = read_record(7, write_record(at, key, value, headers))
    assert read == Recorded(7, at, None if key is None else key.decode(), {name: text.decode() for name, text in headers}, value)


@given(st.binary(max_size=80))
def test_any_line_is_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(Unusable):
        assert read_record(1, text).line == 1


# ---- the command


def test_the_command_tells_a_person_and_a_program(history: Path, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate"
    shutil.copytree(EXAMPLE, candidate)
    file = candidate / "lifecycle.yaml"
    file.write_text(file.read_text().replace("lead.engagement >= 40", "lead.engagement >= 400"), encoding="utf-8")
    words = ("simulate", "--candidate", str(candidate), "--history", str(history), "--in-force", str(EXAMPLE))
    done = truce(*words, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Replayed {5 * LEADS} messages of {LEADS} leads under both playbooks. Nothing was written.")
    for title in ("Change stage: ", "MQLs per week  before ", "MQLs per source  before ", "Hand-offs per person  before "):
        assert title in done.stdout
    assert "\nThis is as if the candidate had been in force all along." in done.stdout
    assert re.search(r"\n  \S+@\S+ \(\w+:\w+:\w+\)  mql → ", done.stdout), "a person reads of people"
    found = json.loads(truce(*words, "--json", home=tmp_path).stdout)
    assert found["leads"] == {"replayed": LEADS, "all": LEADS}
    assert found["counts"]["stage"]["found"] > 0


def test_an_empty_history_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(write_header(Header(installation="x")))
    done = truce("simulate", "--candidate", str(EXAMPLE), "--history", str(path), "--in-force", str(EXAMPLE), home=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("The history is empty")


def test_no_history_at_all_cannot_run(tmp_path: Path) -> None:
    done = truce("simulate", "--candidate", str(EXAMPLE), home=tmp_path)
    assert done.returncode == 2
    assert "no Truce here yet" in done.stderr


def test_owners_that_change_by_turns_alone_are_counted_apart_and_come_last(higher_found: Simulation) -> None:
    found = higher_found
    turns = [one.detail == TURN for one in found.examples["owner"]]
    assert turns == sorted(turns)
    assert 0 < found.turns < found.counts["owner"].found
    assert f"  of these {found.turns} only because turns fall otherwise; they come last" in list(_lines(found, ()))


def test_a_history_too_short_for_the_goals_says_so(equal: Simulation) -> None:
    found = equal
    short = replace(found, days=0.1, goals=[], too_short=True)
    assert not found.too_short
    said = "\nGoals: the history covers only 0.1 days; a week at least is needed to say what it means for them."
    assert said in list(_lines(short, ()))
    assert said not in list(_lines(found, ()))
