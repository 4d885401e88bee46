"""How `truce init` guesses: which field is which, how a list spells our values, who answers for what, and what it asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from connectors.base import About, Edits, FieldSeen, FieldType, User
from connectors.registry import manifests
from sync.cli.init.edited import Share, edited
from sync.cli.init.known import ACCOUNTS, OPPORTUNITIES, PEOPLE, STAGES
from sync.cli.init.matching import Schema, counted, elsewhere, match, strange
from sync.cli.init.people import team
from sync.cli.init.questions import MOST, answers, questions, settled
from sync.cli.init.reading import Live
from sync.cli.init.screen import seen
from sync.cli.init.spelling import common, spell
from sync.cli.init.writing import fields, quoted
from sync.playbook.document import Document
from sync.playbook.walk import walk

STAGE = FieldSeen(name="lifecyclestage", type="picklist", values=(("lead", "Lead"), ("marketingqualifiedlead", "MQL")), closed=True)


def picklist(name: str, *values: str, closed: bool = True) -> FieldSeen:
    return FieldSeen(name=name, type="picklist", values=tuple((one, one) for one in values), closed=closed)


def pair(crm: list[FieldSeen], other: list[FieldSeen]) -> list[Schema]:
    return [Schema("sf", "Salesforce", "sales", crm), Schema("hs", "HubSpot", "marketing", other)]


def test_what_there_is_is_said_as_people_say_it() -> None:
    def live(name: str, users: int, fields: int, about: str, counts: dict[str, int], converted: int | None = None) -> Live:
        manifest = manifests()[name]
        everybody = [User(id=str(n), email=f"u{n}@acme.example", active=n < users) for n in range(users + 3)]
        objects = {one: [FieldSeen(name=f"f{n}", type="text") for n in range(fields)] for one in counts}
        return Live(name, manifest, everybody, objects, about=About(name=about), counts=counts, converted=converted)

    crm = live("salesforce", 41, 214, "Acme prod", {"Lead": 10_000, "Contact": 1, "Account": 700}, converted=880)
    assert [*seen(crm, live("hubspot", 38, 388, "Acme", {"contacts": 61_044}))] == [
        "Salesforce  Acme prod  214 Lead fields · 41 active users · 9,120 open leads · 1 contact · 700 accounts",
        "HubSpot     Acme       388 contact properties · 38 owners · 61,044 contacts",
    ]


def test_a_field_of_another_type_is_none() -> None:
    found = match(PEOPLE, pair([FieldSeen(name="Phone", type="phone")], [FieldSeen(name="phone", type="number")]))
    assert [one.known.name for one in found.found] == []


def test_custom_fields_are_known_by_their_bare_names() -> None:
    crm = [FieldSeen(name="cMqlDate", type="time", label="Mql Date", custom=True), FieldSeen(name="NumberOfEmployees", type="number")]
    found = match(PEOPLE, pair(crm, [FieldSeen(name="mql_date", type="time"), FieldSeen(name="employees", type="number")]))
    mapped = {one.known.name: {name: how.seen.name for name, how in one.systems.items()} for one in found.found}
    assert mapped["mql_date"] == {"sf": "cMqlDate", "hs": "mql_date"}
    assert mapped["employees"] == {"sf": "NumberOfEmployees", "hs": "employees"}


def test_what_both_call_alike_is_shared_and_what_nobody_may_write_is_counted() -> None:
    crm = [FieldSeen(name="Shoe_Size__c", type="number", label="Shoe size"), FieldSeen(name="Score", type="number", writable=False)]
    other = [FieldSeen(name="shoe_size", type="number"), FieldSeen(name="score", type="number")]
    found = match((), pair(crm, other), more=True)
    assert [(one.known.name, one.known.kind) for one in found.found] == [("shoe_size", "number")]
    assert found.left_out == 1


def test_a_list_is_asked_and_not_told_by_free_text() -> None:
    found = match(PEOPLE, pair([picklist("Industry", "Energy", "Retail")], [FieldSeen(name="industry", type="text")]))
    industry = found.found[0]
    assert (industry.known.policy, industry.systems["sf"].read_only, industry.systems["hs"].read_only) == ("sales", True, False)
    assert "Salesforce takes only what is on its list" in industry.notes[0]


def test_what_a_second_object_calls_otherwise_or_has_not_is_said_of_it() -> None:
    names = ("Website", "Country", "Phone", "MQL_Date__c")
    kinds: dict[str, FieldType] = {"Phone": "phone", "MQL_Date__c": "time"}
    lead = [FieldSeen(name=name, type=kinds.get(name, "text"), custom=name.endswith("__c")) for name in names]
    contact = [FieldSeen(name="MailingCountry", type="text"), FieldSeen(name="Phone", type="phone")]
    found = match(PEOPLE, pair(lead, [FieldSeen(name=name.lower(), type=kinds.get(name, "text")) for name in names[:3]]))
    text = "".join(fields(elsewhere(found, "sf", "Contact", contact)))
    assert "name: Website\n        objects: {Contact: false}  # guess: false: it has none\n" in text
    assert "name: Country\n        objects: {Contact: MailingCountry}  # guess: it is called so there\n" in text
    assert "      sf: Phone\n" in text
    assert "      sf: MQL_Date__c\n" in text, "doctor --fix makes it there, too"


def test_a_formula_is_noted_where_it_is_mapped() -> None:
    crm = [FieldSeen(name="NumberOfEmployees", type="number", writable=False, computed=True)]
    (found,) = match(PEOPLE, pair(crm, [FieldSeen(name="employees", type="number")])).found
    assert found.notes == ["Salesforce works it out by a formula: it is seen only when its record changes, or with the daily sweep"]


def test_two_lists_share_what_they_have_in_common() -> None:
    ours, theirs = picklist("Industry", "Energy", "Retail", "Banking"), picklist("industry", "ENERGY", "RETAIL", "OTHER", "FOOD")
    assert common(ours, theirs) == ({"energy": "Energy", "retail": "Retail"}, {"energy": "ENERGY", "retail": "RETAIL"})
    industry = match(PEOPLE, pair([ours], [theirs])).found[0]
    assert industry.known.kind == "picklist"
    assert "3 values in Salesforce, 4 in HubSpot, 2 the same by name" in industry.notes[0]


def test_what_people_refuse_one_by_one_is_a_consent_of_its_own_on_both_sides() -> None:
    theirs = FieldSeen(name="hs_email_optout_7", type="flag", label="Opted out of email: Product news", refuses="Product news")
    ours = FieldSeen(name="No_News__c", type="flag", label="No product news")
    (news,) = match((), pair([ours], [theirs]), more=True).found
    assert (news.known.name, news.known.consent, news.known.policy) == ("product_news_opt_out", "product-news", "stricter")
    assert {name: how.seen.name for name, how in news.systems.items()} == {"sf": "No_News__c", "hs": "hs_email_optout_7"}
    alone = match((), pair([], [theirs]), more=True)
    assert (len(alone.found), alone.lacking) == (1, {"product_news_opt_out": ["Salesforce"]})


def test_values_that_are_none_of_ours_are_noted_with_how_many_have_them() -> None:
    ours, theirs = picklist("Industry", "Energy", "Retail", "Banking"), picklist("industry", "ENERGY", "RETAIL", "OTHER", "FOOD")
    found = match(PEOPLE, pair([ours], [theirs]))
    assert strange(found, "hs") == [("industry", "OTHER"), ("industry", "FOOD")]
    (industry,) = counted(found, {"hs": {("industry", "OTHER"): 3, ("industry", "FOOD"): 1_200}, "sf": {("Industry", "Banking"): 0}}).found
    assert industry.notes[-1] == "people with a value of hs that is none of these: FOOD 1,200, OTHER 3"


def test_each_value_that_is_none_of_ours_is_a_line_to_fill_in_whether_it_was_counted_or_not() -> None:
    many = [f"V{n}" for n in range(60)]
    ours, theirs = picklist("Industry", "Energy", "Retail"), picklist("industry", "ENERGY", "RETAIL", *many, "no one's\nown")
    text = "".join(fields(counted(match(PEOPLE, pair([ours], [theirs])), {"hs": {("industry", "V0"): 1, ("industry", "V1"): 0}})))
    lines = text.splitlines()
    begin = lines.index("        # reads:  # theirs and ours: take the # away from this line and from those below that you fill in")
    assert lines[begin + 1 : begin + 4] == [
        "          # V0: ?  # 1 person has it",
        "          # V1: ?  # 0 people have it",
        "          # V2: ?",
    ]
    assert len(lines) == begin + 1 + 61
    assert lines[-1] == r"""          # "no one's\nown": ?"""


NAMES = [name for one in PEOPLE for name in (one.name, *one.names)]
KINDS: list[FieldType] = ["text", "email", "phone", "number", "flag", "date", "time", "picklist", "user"]
VALUES = st.lists(st.sampled_from(["Lead", "MQL", "SAL", "New", "Working", "Closed", "Yes", "No", "Energy", "a: b", "x\ny"]), unique=True)
SEEN = st.builds(
    lambda name, type_, values, writable, refuses: FieldSeen(
        name=name,
        type=type_,
        values=tuple((one, one) for one in values) if type_ == "picklist" else (),
        closed=type_ == "picklist",
        writable=writable,
        refuses=refuses if type_ == "flag" else "",
    ),
    st.sampled_from([*NAMES, "Shoe_Size__c", "shoe_size"]),
    st.sampled_from(KINDS),
    VALUES,
    st.booleans(),
    st.sampled_from(["", "", "Product news"]),
)
GUESSES = ("read_only:", "objects:", "values:", "reads:", "# reads:")


@given(st.lists(SEEN, unique_by=lambda one: one.name, max_size=12), st.lists(SEEN, unique_by=lambda one: one.name, max_size=12))
def test_every_guess_has_its_comment_whatever_two_systems_are_like(crm: list[FieldSeen], other: list[FieldSeen]) -> None:
    for some, more in ((PEOPLE, True), (ACCOUNTS, False), (OPPORTUNITIES, False)):
        found = match(some, pair(crm, other), more=more)
        text = "".join(fields(found))
        for line in text.splitlines():
            head = line[2] not in " #"  # the field itself: the comment says why its policy is this one
            if head or line.strip().startswith(GUESSES):
                assert "  # " in line, line
        document = Document("fields.yaml", text.splitlines())
        assert list(walk(document, text)) == [one.known.name for one in found.found]
        assert document.problems == []


def test_whoever_changes_a_field_most_is_guessed_to_own_it_if_that_is_clear() -> None:
    found, now = (
        match(PEOPLE, pair([FieldSeen(name="Phone", type="phone")], [FieldSeen(name="phone", type="phone")])),
        datetime(2026, 11, 30, tzinfo=UTC),
    )

    def share(ours: int, theirs: int, days: int = 30) -> Share:
        sales, marketing = (
            Edits(counts=counts, since=now - timedelta(days=some)) for counts, some in (({"Phone": ours}, days), ({"phone": theirs}, 30))
        )
        return edited(found, [("sf", "Salesforce", "sales", sales), ("hs", "HubSpot", "marketing", marketing)], now)["phone"]

    assert str(share(86, 14)) == "86% of 100 edits last month came from Salesforce"
    assert (share(86, 14).owner, share(1, 99).owner, share(55, 45).owner, share(3, 0).owner) == ("sales", "marketing", None, None)
    assert share(10, 100, days=1).owner == "sales", "ten in a day are more than a hundred in a month"
    assert edited(found, [("sf", "Salesforce", "sales", None)], now) == {}


def test_a_stage_that_is_not_there_is_spelled_as_the_one_before_it_and_a_side_exit_as_a_lead() -> None:
    names = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other")
    found = spell(STAGES, picklist("lifecyclestage", *names))
    assert found is not None
    assert (found.values["sal"], found.values["recycled"], found.values["disqualified"]) == ("marketingqualifiedlead", "lead", "other")
    assert {"evangelist": "customer", "marketingqualifiedlead": "mql", "lead": "lead"}.items() <= found.reads.items()
    assert list(found.lacking) == ["sal", "recycled"]


def test_a_list_with_hardly_any_of_our_values_cannot_be_mapped() -> None:
    assert spell(STAGES, picklist("stage", "red", "green", "lead")) is None


def test_who_answers_for_what_is_guessed_by_name_and_machines_are_nobody() -> None:
    crm = [User(id="1", email="integration@acme.example", name="Api"), User(id="2", email="Vera@acme.example", name="Vera, Head of Sales")]
    other = [User(id="7", email="paul@acme.example", name="Paul, Marketing"), User(id="8", email="gone@acme.example", active=False)]
    found = team(crm, other)
    assert (found.sales, found.marketing) == ("vera@acme.example", "paul@acme.example")
    assert [one.email for one in found.people] == ["paul@acme.example", "vera@acme.example"]
    assert [one.email for one in found.reps] == ["vera@acme.example"]


def test_never_more_than_seven_questions_and_each_answer_counts() -> None:
    crm = [FieldSeen(name="Phone", type="phone"), FieldSeen(name="Title", type="text"), FieldSeen(name="Company", type="text")]
    lists = [picklist(f"L{n}", "Energy", "Retail", f"only {n}") for n in range(9)]
    other = [FieldSeen(name="phone", type="phone"), FieldSeen(name="jobtitle", type="text"), FieldSeen(name="company", type="text")]
    found = match(PEOPLE, pair([*crm, *lists], [*other, *(picklist(f"l{n}", "Energy", "Retail", "x") for n in range(9))]), more=True)
    asked = questions(found, team([], []), "UTC", "US")
    assert len(asked) == MOST
    said = answers(asked, lambda one: "no" if one.choices == ("yes", "no") else one.guess)
    assert {one.known.name for one in found.found} - {one.known.name for one in settled(found, said).found} == set(said.left)
    assert len(said.left) == 3


@given(st.text(max_size=30) | st.booleans() | st.integers())
@pytest.mark.filterwarnings("ignore")
def test_whatever_a_system_calls_its_values_stays_that_in_yaml(value: object) -> None:
    if isinstance(value, str) and any(not one.isprintable() for one in value):
        return  # nothing of that kind is a name in a CRM, and YAML refuses some of it
    assert YAML(typ="safe", pure=True).load(f"key: {quoted(value)}\n")["key"] == value
