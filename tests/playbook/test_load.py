"""Loading: the example, the compiled form, the limits, and hostile files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Scalar
from sync.cli.bench.hostile import FILES, ROUTE
from sync.playbook import yaml
from sync.playbook.loader import check, checksum, load, load_files, read
from sync.playbook.models import OF_OPPORTUNITY, STAGES, Playbook
from sync.playbook.problems import PlaybookError, Problem
from tests.counted import calls
from tests.examples import examples

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "deploy" / "playbook"
GOOD = {path.name: path.read_bytes() for path in (HERE / "good").glob("*.yaml")}


def problems(files: dict[str, bytes]) -> tuple[Problem, ...]:
    with pytest.raises(PlaybookError) as caught:
        load_files(files)
    return caught.value.problems


def answer(files: dict[str, bytes]) -> PlaybookError | None:
    try:
        load_files(files)
    except PlaybookError as error:
        return error
    return None


@pytest.fixture(scope="module")
def example() -> Playbook:
    return load(EXAMPLE, version=3)


def test_the_example_is_complete(example: Playbook) -> None:
    assert example.version == 3
    assert list(example.systems) == ["salesforce", "hubspot"]
    assert [stage.id for stage in example.stages][: len(STAGES)] == list(STAGES)
    assert [route.id for route in example.routes][-1] == "everyone-else"
    assert len(example.fields) >= 14
    for field in example.fields.values():
        alone = {"hubspot"} if field.name in OF_OPPORTUNITY else {"salesforce", "hubspot"}  # sales has the opportunity itself
        assert set(field.systems) == alone, field.name


def test_every_rule_says_where_it_stands(example: Playbook) -> None:
    text = {path.name: path.read_text().splitlines() for path in EXAMPLE.glob("*.yaml")}
    for route in example.routes:
        assert text[route.where.file][route.where.line - 1].strip().startswith(f"- id: {route.id}")
        for line in route.when.all:
            assert line.text in text[line.where.file][line.where.line - 1]
    for field in example.fields.values():
        assert text[field.where.file][field.where.line - 1].strip().startswith(f"{field.name}:")


def test_a_stage_is_spelled_both_ways_in_both_systems(example: Playbook) -> None:
    stage = example.fields["stage"]
    assert stage.order == tuple(one.id for one in example.stages)
    for spelled in stage.systems.values():
        assert set(spelled.to_vendor) == set(stage.order)
        for ours, theirs in spelled.to_vendor.items():
            assert spelled.from_vendor[theirs] == ours


def test_a_route_without_a_fallback_takes_the_outer_one() -> None:
    routes = load_files(GOOD).routes
    assert [step.owner for step in routes[0].assign.fallback] == ["ana@acme.example"]
    assert routes[0].routes[0].assign.owner == "ana@acme.example"


def test_the_example_routes_as_it_says(example: Playbook) -> None:
    norway: dict[str, Scalar] = {"country": "NO", "employees": 820, "stage": "mql"}
    taken = [route.id for route in example.routes if route.when.judge(norway)[0]]
    assert taken[0] == "emea-enterprise"
    matched, verdicts = next(r for r in example.routes if r.id == taken[0]).when.judge(norway)
    assert matched
    assert verdicts[1].why == "employees 820 ≥ 500"
    assert not example.scope.judge({"country": "BR"})[0]
    assert example.scope.judge({})[0]


def test_a_demo_request_alone_makes_an_mql_and_prices_need_fit(example: Playbook) -> None:
    mql = next(stage for stage in example.stages if stage.handoff)
    assert mql.id == "mql"
    assert mql.when is not None
    assert mql.when.judge({"engagement": 59.9, "fit": 0})[0]
    assert mql.when.judge({"engagement": 49.9, "fit": 20})[0]
    assert not mql.when.judge({"engagement": 49.9, "fit": 10})[0]
    assert not mql.when.judge({})[0]


def test_norway_is_no_boolean() -> None:
    files = GOOD | {"team.yaml": GOOD["team.yaml"].replace(b"Ana Diaz", b"NO")}
    assert load_files(files).reps["ana@acme.example"].name == "NO"


def test_the_checksum_is_of_names_and_contents() -> None:
    assert checksum(GOOD) == checksum(dict(reversed(GOOD.items())))
    assert checksum(GOOD) != checksum(GOOD | {"team.yaml": GOOD["team.yaml"] + b"\n"})
    assert checksum({"a": b"b"}) != checksum({"ab": b""})
    assert load_files(GOOD).checksum == checksum(GOOD)


def test_missing_and_strange_files_are_told(tmp_path: Path) -> None:
    files = {name: content for name, content in GOOD.items() if name != "routing.yaml"} | {"routes.yaml": b""}
    told = [(p.file, p.text, p.suggestion) for p in problems(files)]
    assert told == [
        ("routes.yaml", "not a file of the playbook", "did you mean routing.yaml?"),
        ("routing.yaml", "this file is missing", "start from the example playbook's"),
    ]
    with pytest.raises(PlaybookError, match="no such folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "big.yaml").write_bytes(b"a" * (yaml.MAX_BYTES + 5))
    assert len(read(tmp_path)["big.yaml"]) == yaml.MAX_BYTES + 1


MOST_STEPS = 60_000
"""Calls; a good file of 15 lines takes as many where libyaml does not read it, and no machine needs 100 ms for them. The time itself stands in `truce bench`."""
LAST = "  - id: last\n    assign: {owner: ana@acme.example}\n"


def steps(content: bytes) -> int:
    """Count the calls that reading a file takes, of Python and of C: the same on every machine, however busy."""
    return calls(lambda: yaml.parse("routing.yaml", content))


@pytest.mark.parametrize("name", FILES)
def test_hostile_files_are_refused_with_little_work_and_with_a_place(name: str) -> None:
    content, text = FILES[name]
    document = yaml.parse("routing.yaml", content)
    told = problems(GOOD | {"routing.yaml": content})
    assert told[0].file == "routing.yaml"
    assert text in told[0].text
    assert told[0].line >= 1
    assert document.problems
    assert steps(content) < MOST_STEPS


def test_the_work_of_reading_is_counted() -> None:
    assert steps(b"routes: []\n") < steps(GOOD["routing.yaml"] * 3) < steps(FILES["billion laughs"][0])


def test_the_place_of_a_hostile_byte_is_exact() -> None:
    nul = problems(GOOD | {"routing.yaml": FILES["NUL"][0]})[0]
    assert (nul.line, nul.column) == (2, 10)
    utf8 = problems(GOOD | {"routing.yaml": FILES["bad UTF-8"][0]})[0]
    assert (utf8.line, utf8.column) == (2, 9)


def test_a_thousand_rules_load() -> None:
    routing = "routes:\n" + "".join(ROUTE.format(n=1_000 - n) for n in range(1_000)) + LAST
    assert len(load_files(GOOD | {"routing.yaml": routing.encode()}).routes) == 1_001


def test_very_many_problems_of_one_file_end_with_one_that_says_so() -> None:
    checked = check(GOOD | {"team.yaml": b"timezone: UTC\n" * 3_000})
    told = [(one.line, one.text) for one in checked.problems if one.file == "team.yaml"]
    assert told[0] == (2, "timezone stands here twice")
    assert (len(told), told[-1]) == (101, (101, "there are 100 problems above; what stands below is not looked at"))


@examples(300)
@given(st.data())
def test_whatever_stands_in_a_file_there_is_a_playbook_or_problems(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(GOOD)))
    text = GOOD[name].decode()
    at = data.draw(st.integers(0, len(text)))
    end = min(len(text), at + data.draw(st.integers(0, 30)))
    piece = data.draw(
        st.one_of(
            st.text(max_size=12), st.sampled_from(["- ", ": ", "!", "&a ", "*a", "'", '"', "[", "{", "\t", " #", "\n", "0123", "null"])
        )
    )
    content = (text[:at] + piece + text[end:]).encode(errors="surrogatepass")
    told = answer(GOOD | {name: content})
    assert told is None or (told.problems and told.render())


@examples(100)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(content: bytes) -> None:
    told = problems(GOOD | {"team.yaml": content})
    assert any(p.file == "team.yaml" for p in told)
