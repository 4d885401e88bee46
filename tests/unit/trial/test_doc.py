"""The agreement as a document: what it says of the example playbook, the same in both formats, and nothing in it is markup."""

from __future__ import annotations

import html as escapes
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from markdown_it import MarkdownIt

from sync.playbook.loader import load_files, read
from sync.playbook.models import NOWHERE, Playbook, Route, When, Within
from sync.playbook.models.sla import Unit
from sync.trial.doc import Kept, document, html, markdown
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.tree import Block, Document, Grid, Listing, Paragraph, Section, Words
from sync.trial.doc.wording import within
from sync.trial.parts import conditions_of
from tests.house.project import ROOT

FILES = read(Path(__file__).parents[3] / "deploy" / "playbook")
TODAY = "2026-12-22"
EXAMPLE = load_files(FILES)


def changed(file: str, before: str, after: str) -> Playbook:
    text = FILES[file].decode()
    assert before in text
    return load_files(FILES | {file: text.replace(before, after, 1).encode()})


def md(playbook: Playbook = EXAMPLE, *, reach: bool = False) -> str:
    return markdown(document(playbook, TODAY, reach=reach))


class Page(HTMLParser):
    """What a browser makes of a page: its text, its tags in order, its ids and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.hidden = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.hidden = tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def said(blocks: tuple[Block, ...]) -> Iterator[Words]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.words
        elif isinstance(block, Listing):
            for item in block.items:
                yield item.words
                yield from said(item.blocks)
        else:
            assert isinstance(block, Grid)
            yield from ((column,) for column in block.columns)
            yield from (cell for row in block.rows for cell in row)


def facts(made: Document) -> list[str]:
    """Give every text of a document."""
    texts = [(made.title,), *(words for _, words in made.facts)]
    for section in made.walk():
        texts += [(section.title,), *said(section.blocks)]
    return ["".join(words) for words in texts if words]


def bare(text: str) -> str:
    """Take the marks of Markdown out of a text."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)(\*\*|`+)", "", text))


GOLDEN = [
    """\
3. **MQL**
   - Enters when one of these holds:
     - engagement is 40 or more and fit is 20 or more
     - engagement is 55 or more
   - Of the segment enterprise enters when engagement is 25 or more
   - Leaves, back to the last stage that still lets it in, when engagement is less than 15
   - From here on sales has it: a hand-off opens, and routing says who gets it.
   - Accountable: Paul Stein.
""",
    "6. **opportunity**\n   - A person, a system or a deal in “prospecting” says so.\n   - Accountable: Vera Holm.\n",
    """\
4. To the pool **emea-ae** (Ana Diaz, Ben Roth and Lea Wolf), in turns · emea-enterprise
   - When all of these hold:
     - country is DE, AT, CH, FR, GB, NL, NO, SE, DK or FI
     - employees is 500 or more
   - If nobody may have it: Maria Lund.

   Before that, of these:

   1. To the pool **emea-ae** (Ana Diaz, Ben Roth and Lea Wolf), in turns · emea-enterprise-automation
      - When title has one of the words Automation, Controls or PLC
""",
    """\
### Pool partners

Shares out in turns. The pool as a whole gets at most 5 a day.

| Who | At most | Today |
| --- | --- | --- |
| **Sue Kim** | 4 a day from this pool | there |
| **Tom Reed** | 4 a day from this pool | there |
""",
    "| **Lea Wolf** | away until 2 Jan 2027, Ana Diaz covers |\n",
    "| **asked for prices** | form “pricing” | +50 | 30 days |  |  |  |\n",
    "| **Accept** | from the offer until the owner accepts it, or gives it back with a reason | 30 working minutes | 10 working minutes before "
    "| it goes to the next whom its route finds; the manager is told |  | Vera Holm |\n",
    "| **phone** | phone | sales | yes |  | `Phone` | `phone` |\n",
    "| **SAL** | `SAL` | `salesacceptedlead` |\n",
    "| **New customers** | new-customers | 12 customers a quarter |  | 10 MQLs × 3 months × 0.1 customers = 3 (enterprise-mqls); 60 MQLs × 3 months × 0.07 customers = 12.6 (mqls) | Vera Holm |\n",
    "### Lead statuses\n\n- **new**: Nobody has spoken to them\n- **working**: Being worked\n",
    "| **ES** | south |  | Lea Wolf |\n",
    "| **integra-systems.example** | Integra Systems | 1 |\n",
    "| **named_accounts** | 3 | email_domain, account, owner, from, until | yes |\n",
]


@pytest.mark.parametrize("part", GOLDEN, ids=[part.strip().splitlines()[0] for part in GOLDEN])
def test_the_example_reads_like_this(part: str) -> None:
    assert part in md()


def routes(some: tuple[Route, ...]) -> Iterator[Route]:
    for route in some:
        yield route
        yield from routes(route.routes)


def test_a_deadline_is_told_in_every_unit_that_a_playbook_may_have() -> None:
    told = {unit: within(Within(30, unit)) for unit in get_args(Unit)}
    assert told == {"s": "30 working seconds", "m": "30 working minutes", "h": "30 working hours", "d": "30 working days"}


def test_every_name_of_the_example_is_in_both_formats() -> None:
    names = {route.id for route in routes(EXAMPLE.routes)} | {one.id for one in EXAMPLE.handoffs} | {one.id for one in EXAMPLE.segments}
    names |= {*EXAMPLE.fields, *EXAMPLE.account_fields, *EXAMPLE.opportunity_fields, *EXAMPLE.pools, *EXAMPLE.systems, *EXAMPLE.tables}
    names |= {
        *EXAMPLE.reps,
        *EXAMPLE.opportunity_stages,
        *EXAMPLE.statuses,
        *EXAMPLE.slas.named,
        *EXAMPLE.slas.reasons,
        *EXAMPLE.alerts.channels,
    }
    names |= (
        {one.name for one in EXAMPLE.reps.values()} | {one.id for one in EXAMPLE.goals.goals} | {one.id for one in EXAMPLE.content.material}
    )
    names |= {one.label for one in (*EXAMPLE.fit, *EXAMPLE.engagement)} | {one.say for one in EXAMPLE.content.messages}
    names |= {{"mql": "MQL", "sal": "SAL", "sql": "SQL"}.get(one.id, one.id) for one in EXAMPLE.stages}
    made = document(EXAMPLE, TODAY)
    page, text = Page(html(made)).text, bare(markdown(made))
    assert len(names) > 80
    assert {name for name in names if name not in page} == set()
    assert {name for name in names if name not in text} == set()


def test_both_formats_say_the_same() -> None:
    kept = Kept(12, "ab" * 32, "ana", "Mon 23 Nov 2026 09:00", "apply", True)
    made = document(EXAMPLE, TODAY, kept=kept, reach=True)
    texts, page, text = facts(made), Page(html(made)).text, bare(markdown(made))
    assert len(texts) > 400
    assert [one for one in texts if one not in page] == []
    assert [one for one in texts if one not in text] == []
    assert {"v12, in force", "Mon 23 Nov 2026 09:00 by ana (apply)", "ab" * 32} <= set(texts)


def test_a_reader_of_markdown_makes_the_same_of_it() -> None:
    """Every list, table, heading, name and piece of code of the page is one in Markdown too, and every text is the same."""
    made = document(EXAMPLE, TODAY, source="deploy/playbook", reach=True)
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(made))
    inner = [one for token in tokens for one in (token, *(token.children or ()))]
    page = Page(re.sub(r"(?s)<nav.*?</nav>|<a class.*?</a>|<footer.*?</footer>", "", html(made)))
    tags = Counter(tag for tag, _ in page.tags)
    opened = Counter(token.tag for token in inner if token.nesting == 1 or token.type == "code_inline")
    about = len(made.facts)
    same = ("h1", "h2", "h3", "ol", "table", "tr", "strong", "code")
    assert {tag: opened[tag] for tag in same} == {tag: tags[tag] for tag in same}
    assert (opened["li"] - about, opened["ul"] - 1) == (tags["li"], tags["ul"]), "facts about the document are a list there"
    words = [token.content for token in inner if token.type in ("text", "code_inline")]
    assert [one for one in facts(made) if one not in "".join(words)] == []
    assert not any(token.type.startswith("html") for token in inner)


@pytest.mark.parametrize(("how", "said"), [("start", "as Truce first started"), ("apply", "by ana (apply)")])
def test_it_says_who_put_it_in_force_or_that_it_was_there_from_the_start(how: str, said: str) -> None:
    kept = Kept(1, "ab" * 32, "ana", "Mon 23 Nov 2026 09:00", how, True)
    assert f"Mon 23 Nov 2026 09:00 {said}" in markdown(document(EXAMPLE, TODAY, kept=kept))


def test_a_folder_is_a_proposal_and_says_so() -> None:
    made = document(EXAMPLE, TODAY, source="deploy/playbook")
    assert dict(made.facts)["From"] == ("the folder deploy/playbook: a proposal until it is put in force",)
    assert "Version" not in dict(made.facts)


HOSTILE = "<script>alert(1)</script> | `x` **y** <img src=x onerror=z> & \\"


def test_a_hostile_name_is_a_text_like_any_other() -> None:
    quoted = HOSTILE.replace("\\", "\\\\")
    playbook = changed("team.yaml", "name: Maria Lund", f'name: "{quoted}"')
    made = document(playbook, TODAY)
    page, text = html(made), markdown(made)
    assert {"script", "img"} & {tag for tag, _ in Page(page).tags} == set()
    assert escapes.escape(HOSTILE, quote=False) in page
    assert HOSTILE in Page(page).text
    tokens = [one for token in MarkdownIt("commonmark").enable("table").parse(text) for one in (token, *(token.children or ()))]
    assert not any(token.type.startswith(("html", "image", "link")) for token in tokens)
    assert HOSTILE in "".join(token.content for token in tokens if token.type == "text")


def test_the_page_is_one_that_everybody_can_use() -> None:
    page = Page(html(document(EXAMPLE, TODAY)))
    tags = [tag for tag, _ in page.tags]
    assert {"header", "nav", "main", "footer", "h1", "title", "caption"} <= set(tags)
    assert (tags.count("h1"), tags.count("main")) == (1, 1)
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), "no level of headings is left out"
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for _, attributes in page.tags if "href" in attributes} <= {f"#{name}" for name in ids}
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.tags if tag == "th")
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert not any(tag in ("script", "link", "img", "iframe") or "src" in attributes for tag, attributes in page.tags)


def test_two_parts_of_one_name_have_links_of_their_own() -> None:
    page = Page(html(Document("", (), (Section("Pool a-b"), Section("Pool A/B"), Section("Pool a-b 2"), Section("…")))))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert {"pool-a-b", "part"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_numbers_and_addresses_of_people_are_there_for_who_asks() -> None:
    assert "901820" not in md()
    assert "slack, phone" in md()
    assert "phone +49 30 901820" in bare(md(reach=True))


def test_who_is_away_is_told_of_the_day() -> None:
    assert "away until 2" not in markdown(document(EXAMPLE, "2026-12-20"))
    assert "away until 2 Jan 2027" in markdown(document(EXAMPLE, "2027-01-02"))


WORDS = [
    ("lead.country in ['DE', 'AT']", "country is DE or AT"),
    ("!(lead.country in ['DE', 'AT'])", "country is none of DE and AT"),
    ("lead.country == 'DE'", "country is DE"),
    ("lead.country != 'DE'", "country is not DE"),
    ("lead.employees >= 1500", "employees is 1,500 or more"),
    ("lead.employees < 50", "employees is less than 50"),
    ("!(lead.employees < 50)", "employees is 50 or more"),
    ("lead.employees > 0.125", "employees is more than 0.125"),
    ("has(lead.phone)", "phone is filled in"),
    ("!has(lead.phone)", "phone is empty"),
    ("lead.email_opt_out", "e-mail opt out is yes"),
    ("any_of(lead.title, ['VP', 'Head of'])", "title has one of the words VP or Head of"),
    ("!any_of(lead.title, ['VP'])", "title has not the word VP"),
    ("days_since(lead.mql_date) <= 30", "MQL date is at most 30 days ago"),
    ("days_since(lead.mql_date) > 1", "MQL date is more than 1 day ago"),
    ("touched('form', 14)", "the person filled in a form within 14 days"),
    ("!touched('meeting', 1)", "the person did not meet us within 1 day"),
    ("touched('pricing', 7)", "the person did something named “pricing” within 7 days"),
    ("in_table(lead.email_domain, 'partners')", "e-mail domain is in the table partners"),
    ("!in_table(account.name, 'partners', 'partner')", "the account’s name is not in the table partners (by its column partner)"),
    ("territory('dach')", "it is in the territory dach"),
    ("lead.title.startsWith('Head')", "title begins with “Head”"),
    ("lead.engagement >= 40 && lead.fit >= 20", "engagement is 40 or more and fit is 20 or more"),
    ("lead.fit >= 20 && (lead.country == 'DE' || has(lead.phone))", "fit is 20 or more and (country is DE or phone is filled in)"),
    ("!(lead.fit >= 20 && has(lead.phone))", "fit is less than 20 or phone is empty"),
    ("account.won_opportunities > 0", "the account’s number of won opportunities is more than 0"),
    ("opportunity.amount >= 10000", "the opportunity’s amount is 10,000 or more"),
    ("lead.cycle > 1", "number of hand-offs is more than 1"),
]
VERBATIM = ["lead.fit + lead.engagement >= 60", "lead.country == account.industry", "lead.fit > 1 ? has(lead.phone) : has(lead.mobile)"]


@pytest.mark.parametrize(("text", "wanted"), WORDS, ids=[text for text, _ in WORDS])
def test_simple_conditions_are_said_in_words(text: str, wanted: str) -> None:
    line = conditions_of(EXAMPLE).compile(text, NOWHERE)
    assert "".join(Speaker(EXAMPLE).line(line)) == wanted


@pytest.mark.parametrize("text", VERBATIM)
def test_others_stand_as_they_are_written(text: str) -> None:
    line = conditions_of(EXAMPLE).compile(text, NOWHERE)
    assert Speaker(EXAMPLE).line(line) == (text,)
    head, blocks = Speaker(EXAMPLE).when(When(none=(line,)))
    assert (head, len(blocks)) == (("none of these holds:",), 1)


MORE = """
segments:
  - {id: enterprise, when: lead.employees >= 500, stages: {mql: lead.engagement >= 30}}
handoffs:
  customer: {when: lead.stage == 'customer', to: account_owner, fallback: {owner: maria@acme.example}, sla: normal}
"""


def test_segments_and_kinds_of_hand_off_are_told() -> None:
    text = FILES["lifecycle.yaml"].decode()
    without = re.sub(r"(?m)^(segments|handoffs):\n(?:[ #].*\n|\n)*", "", text)
    told = md(
        load_files(
            FILES
            | {"lifecycle.yaml": (without + MORE).encode(), "cases/lifecycle.yaml": b"cases: []\n", "cases/routing.yaml": b"cases: []\n"}
        )
    )
    assert (
        "1. **enterprise**\n   - When employees is 500 or more\n   - Has its own definition of MQL, which stands with the stages.\n" in told
    )
    assert "   - Of the segment enterprise enters when engagement is 30 or more\n" in told
    assert (
        "- **customer**: an act of the kind form. It is no MQL, and the stage stays.\n"
        "  - When stage is customer\n"
        "  - Goes to whoever owns the account, else to Maria Lund.\n"
        "  - SLA normal.\n"
    ) in told


def test_of_a_large_table_the_first_rows_are_shown_with_their_number_and_no_address_of_a_person() -> None:
    folder = {**read(ROOT / "deploy" / "playbook")}
    rows = "".join(f"kim{n}@x.example,Company {n}\n" for n in range(60))
    folder["tables/partners.csv"] = b"email_domain:domain,partner,tier:number\nintegra-systems.example,Integra Systems,1\n"
    folder["tables/guests.csv"] = f"who:email,company\n{rows}".encode()
    told = markdown(document(load_files(folder), TODAY))
    assert "E-mail addresses are left out (who)." in told
    assert "The first 50 of 60 rows; tables/guests.csv has all." in told
    assert "Company 49" in told
    assert "Company 50" not in told
    assert "@x.example" not in told


def test_what_comes_in_by_doors_and_what_is_sent_out_is_told() -> None:
    presets = {f"inbound/{path.name}": path.read_bytes() for path in (ROOT / "deploy" / "presets").glob("*.yaml")}
    channels = FILES["alerts.yaml"].replace(b"channels:\n", b"channels:\n  partners: {kind: webhook}\n", 1)
    told = md(load_files({**FILES, **presets, "alerts.yaml": channels + b"\nevents:\n  - {to: partners, types: [truce.lead.*]}\n"}))
    assert "## What comes in and goes out by itself\n\n- Channel partners is sent every event truce.lead.\\*, signed.\n" in told
    assert "1. **form** when `body.type == 'submission_created'`\n" in told
    assert "   - About the person with the e-mail `body.data.submission.fields.email`. Somebody unknown becomes known by it.\n" in told
    assert "   | first name | `body.data.submission.fields.first_name` |\n" in told
    assert "   - A visit of a company: its account's owner is told once a day" in told
    assert "What comes in and goes out" not in md()
