"""Keys: what is one address, what is none, and that no personal value shows in a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import keyed, lead_key, normal_email

SECRET = b"a secret"


@pytest.mark.parametrize(
    "text",
    [
        "kim@nordwind.example",
        " Kim@Nordwind.EXAMPLE\n",
        "\ufeffkim@nordwind.example",
        "kim@nordwind\u200b.example",
        "\u202fkim@nordwind.example\u00a0",
    ],
)
def test_one_address_however_it_is_typed(text: str) -> None:
    assert normal_email(text) == "kim@nordwind.example"


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert normal_email("jose\u0301@x.example") == normal_email("jos\u00e9@x.example") == "jos\u00e9@x.example"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "kim",
        "kim@",
        "@nordwind.example",
        "kim@nordwind",
        "kim@@nordwind.example",
        "kim@nord wind.example",
        "kim@nordwind..example",
        "kim@nordwind.example.",
        "kim@a.example,tom@b.example",
        "kim@a.example;tom",
        "<kim@nordwind.example>",
        "mailto:kim@nordwind.example",
        "kim\x00@nordwind.example",
        "kim\x7f@nordwind.example",
        "kim\ud800@nordwind.example",
        "k" * 65 + "@nordwind.example",
        "kim@" + "a." * 130 + "example",
        "@" * 1_000_000,
    ],
)
def test_what_is_no_address(text: str | None) -> None:
    assert normal_email(text) is None


@given(st.text(max_size=40))
def test_normal_is_normal(text: str) -> None:
    plain = normal_email(f"{text}@x.example")
    assert plain is None or normal_email(plain) == plain


def test_two_systems_meet_in_one_key() -> None:
    one = lead_key(SECRET, "Kim@Nordwind.example ", "salesforce:Lead:1")
    assert one == lead_key(SECRET, "kim@nordwind.example", "hubspot:contacts:2")
    assert one != lead_key(b"another", "kim@nordwind.example", "hubspot:contacts:2")
    assert lead_key(SECRET, "none", "hubspot:contacts:2") == keyed(SECRET, "hubspot:contacts:2")


@given(st.text(max_size=40))
def test_a_key_shows_nothing(text: str) -> None:
    key = keyed(SECRET, text)
    assert len(key) == 32
    assert set(key) <= set("0123456789abcdef")
