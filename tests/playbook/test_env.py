"""env/<name>.yaml: what differs from one environment to the next, and that a version keeps which it was made for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.forms.env import EnvGuardsForm
from sync.playbook.forms.fields import GuardsForm
from sync.playbook.loader import check, checksum, environment_of, load, load_files, read, within
from sync.playbook.models import Playbook
from sync.playbook.problems import PlaybookError, Problem

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "deploy" / "playbook"
QUEUE = b"    assign: {queue: {name: emea-queue, human: ana@acme.example}}\n"
GOOD = read(HERE / "good")
STAGING = b"""
systems: {salesforce: {mode: observe, bulk: pass, objects: {Lead: write}, defaults: {RecordTypeId: 0125g000000XyZzAAK}}}
guards: {writes_per_hour: 500}
caps: {ana@acme.example: {day: 3}}
"""


def made(env: bytes, environment: str | None = "staging", **files: bytes) -> Playbook:
    return load_files({**GOOD, "env/staging.yaml": env, **{f"{name}.yaml": content for name, content in files.items()}}, 7, environment)


def problems(files: dict[str, bytes], environment: str | None = None) -> tuple[Problem, ...]:
    return check(within(files, environment)).problems


def test_an_environment_says_otherwise_and_what_it_does_not_say_stays() -> None:
    plain, here = made(STAGING, None), made(STAGING)
    assert (plain.environment, here.environment) == ("", "staging")
    assert here.version == 7
    sales = here.systems["salesforce"]
    assert (sales.mode, sales.bulk, sales.objects) == ("observe", "pass", {"Lead": "write"})
    assert sales.defaults == {"RecordTypeId": "0125g000000XyZzAAK"}
    assert sales.creates[0].object == "Lead"
    assert here.systems["hubspot"].mode == plain.systems["hubspot"].mode
    assert (here.guards.writes_per_hour, here.guards.flips) == (500, plain.guards.flips)
    assert (here.reps["ana@acme.example"].caps.day, here.reps["ben@acme.example"].caps.day) == (3, None)
    assert plain.systems["salesforce"].mode == "write"


def test_a_cap_that_is_not_named_stays_as_the_team_says() -> None:
    team = GOOD["team.yaml"].replace(b"{name: Ana Diaz,", b"{name: Ana Diaz, caps: {day: 8, week: 20},")
    assert made(STAGING, team=team).reps["ana@acme.example"].caps.week == 20
    assert made(STAGING, team=team).reps["ana@acme.example"].caps.day == 3


def test_a_version_keeps_its_environment_whatever_the_process_that_compiles_it_has() -> None:
    files = within({**GOOD, "env/staging.yaml": STAGING}, "staging")
    assert environment_of(files) == "staging"
    stored = {name: content.decode() for name, content in files.items()}
    again = load_files({name: text.encode() for name, text in stored.items()}, 3)
    assert again.environment == "staging"
    assert again.systems["salesforce"].mode == "observe"
    assert again.checksum == checksum(files) != checksum(within(files, None))
    assert environment_of(within(files, None)) is None


def test_what_is_noted_of_the_environment_is_no_file_and_no_folder_has_it(tmp_path: Path) -> None:
    for name, content in GOOD.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "environment").write_text("production")
    assert load(tmp_path).environment == ""
    with pytest.raises(PlaybookError) as caught:
        load(tmp_path, environment="production")
    (problem,) = caught.value.problems
    assert (problem.place, problem.text) == ("env/production.yaml:1:1", "this file is missing")
    assert caught.value.read == len(GOOD)


def test_a_mistyped_environment_is_asked_about() -> None:
    (problem,) = problems({**GOOD, "env/staging.yaml": b"guards: {}\n"}, "stagin")
    assert problem.suggestion == "TRUCE_ENVIRONMENT is stagin: did you mean staging?"


def test_every_environment_is_checked_whichever_is_chosen() -> None:
    wrong = {**GOOD, "env/staging.yaml": STAGING, "env/production.yaml": b"systems: {salesfroce: {mode: write}}\n"}
    (problem,) = problems(wrong, "staging")
    assert problem.file == "env/production.yaml"


def queued(**env: bytes) -> dict[str, bytes]:
    routing = GOOD["routing.yaml"].replace(b"    assign: {pool: emea-ae}\n    routes", QUEUE + b"    routes")
    return {**GOOD, "routing.yaml": routing, **{f"env/{name}.yaml": content for name, content in env.items()}}


def test_a_queue_has_an_id_in_every_environment() -> None:
    ours = b"queues: {emea-queue: {salesforce: 00G5g000004XyZzEAK}}\n"
    assert load_files(queued(staging=ours), environment="staging").queues == {"emea-queue": {"salesforce": "00G5g000004XyZzEAK"}}
    (problem,) = problems(queued(staging=ours, production=b"guards: {flips: 3}\n"), "staging")
    assert (problem.file, problem.text) == ("env/production.yaml", "the queue emea-queue has no id here")
    (warned,) = problems(queued(staging=ours))
    assert (warned.warning, warned.place, warned.suggestion) == (True, "routing.yaml:6:28", "set TRUCE_ENVIRONMENT to staging")
    (alone,) = problems(queued())
    assert alone.text == "no environment is chosen, so the id of the queue emea-queue is not known, and its human gets the leads"
    assert load_files(queued()).queues == {}


def test_an_environment_may_say_every_guard() -> None:
    assert set(EnvGuardsForm.model_fields) == set(GuardsForm.model_fields)


@pytest.mark.parametrize("name", sorted(path.stem for path in (EXAMPLE / "env").glob("*.yaml")))
def test_the_examples_environments_load(name: str) -> None:
    assert load(EXAMPLE, environment=name).environment == name
