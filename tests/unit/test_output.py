"""What a command prints is text: no value is an order to the terminal, or to what lays the text out."""

from __future__ import annotations

import io

import pytest

from sync.cli import output
from sync.cli.output import line, plain, table

HOSTILE = {
    "\x1b[2J\x1b[31mred": "\\x1b[2J\\x1b[31mred",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "\x9b31mC1": "\\x9b31mC1",
    "over\rwritten": "over\\rwritten",
    "\u202egnp.exe": "\\u202egnp.exe",
    "half \ud83d": "half \\ud83d",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_control_characters_are_written_out(text: str) -> None:
    assert plain(text) == HOSTILE[text]


def test_a_value_within_a_line_makes_no_line_of_its_own_and_has_an_end() -> None:
    assert line("x\n  5a40a34a-6f43  30 Nov 05:50  salesforce:Lead:1\tfine") == "x 5a40a34a-6f43 30 Nov 05:50 salesforce:Lead:1 fine"
    assert line("x" * 16_000) == "x" * 119 + "…"
    assert line(7) == "7"


@pytest.mark.parametrize("text", ["Łódź 北京 😀", "two\nlines\tand a tab", "[bold]not markup[/nope]"])
def test_text_that_is_only_text_stays(text: str) -> None:
    assert plain(text) == text


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    seen = io.StringIO()
    monkeypatch.setattr(output, "console", output._Console(file=seen, width=200, force_terminal=True, color_system=None))
    return seen


@pytest.mark.parametrize("text", [*HOSTILE, "[/nope] [red]x[/red] [link=http://evil.example]y[/link]"])
def test_a_table_and_a_line_show_values_as_they_are_spelled(screen: io.StringIO, text: str) -> None:
    table(("reason",), [(text,)], "")
    output.console.print(text, markup=False)
    shown = screen.getvalue()
    assert shown.count(plain(text)) == 2
    assert not set("\x07\x9b\r\u202e") & set(shown)


def test_an_error_that_quotes_an_argument_is_no_order_either(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.problem_exit(output.CannotRun("nobody is known as \x1b[31mx")) == output.CANNOT_RUN
    assert capsys.readouterr().err == "truce: nobody is known as \\x1b[31mx\n"


def test_no_bracket_in_a_line_is_a_style_and_none_fails(screen: io.StringIO) -> None:
    output.console.print("[/nope] has nothing of [bold]that[/bold].")
    assert screen.getvalue() == "[/nope] has nothing of [bold]that[/bold].\n"
