"""fields.yaml: what its keys come to."""

from __future__ import annotations

from pathlib import Path

from sync.playbook.loader import load_files

HERE = Path(__file__).parent
GOOD = {path.name: path.read_bytes() for path in (HERE / "good").glob("*.yaml")}


def test_accounts_and_opportunities_have_shared_fields_of_their_own() -> None:
    book = load_files(GOOD)
    assert {name: field.about for name, field in book.account_fields.items()}["industry"] == "account"
    assert book.opportunity_fields["account"].kind == "ref"
    assert book.fields["owner"].about == "lead"
    assert str(book.account_fields["industry"].where) == "fields.yaml:26"
    assert (book.systems["salesforce"].account, book.systems["salesforce"].opportunity) == ("Account", "Opportunity")
