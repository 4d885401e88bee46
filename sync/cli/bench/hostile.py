"""What somebody might try on the playbook's reader: files and lines that must be refused, or come to an end, in no time."""

from __future__ import annotations

ROUTE = "  - id: r{n}\n    when:\n      all:\n        - lead.employees >= {n}\n    assign: {{pool: emea-ae}}\n"
FILES: dict[str, tuple[bytes, str]] = {
    "10 MB": (b"a: b\n" * 2_000_000, "bytes are too many"),
    "100,000 rules": (b"routes:\n" + b"- id: a\n" * 100_000, "rules are too many"),
    "100,000 rules in brackets": (b"routes: [" + b"a,\n" * 100_001 + b"]", "values in brackets"),
    "one endless line": (b"routes: [" + b"a, " * 100_000 + b"]", "characters: 10,000 at most"),
    "depth": (b"routes: " + b"[" * 9_000, "nested more than 32 deep"),
    "depth by lines": ("".join(" " * n + "a:\n" for n in range(1_000)).encode(), "nested more than 32 deep"),
    "billion laughs": (
        b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nroutes: [*c, *c]\n",
        "anchors are refused",
    ),
    "an alias at the end of a large file": (
        b"routes:\n" + b"".join(ROUTE.format(n=n).encode() for n in range(4_000)) + b"more: *routes\n",
        "aliases are refused",
    ),
    "a tag": (b"routes: !!python/object/apply:os.system [ls]\n", "tags are refused"),
    "NUL": (b"routes:\n  - id: a\x00b\n", "U+0000 may not stand in YAML"),
    "escape": (b"routes: \x1b[31m", "U+001B may not stand in YAML"),
    "bad UTF-8": (b"routes:\n  - id: \xff\n", "not UTF-8"),
    "two documents": (b"routes: []\n---\nroutes: []\n", "a second document"),
    "a key that is a list": (b"? [a, b]\n: c\n", "a key must be a word"),
    "YAML directive bomb": (b"%YAML 9.9\n---\nroutes: []\n", ""),
}
"""Name → a routing.yaml, and words of what is said of it."""
LINES = (
    "9**9**9",
    "9e999 * 9e999 > lead.fit",
    "(" * 400 + "lead.fit > 1" + ")" * 400,
    "!" * 990 + "lead.vip",
    "-" * 900 + "lead.fit > 1",
    "[" * 20 + "]" * 20 + " == lead.fit",
    " && ".join(["lead.fit > 1"] * 60),
    " || ".join(["lead.vip"] * 70),
    "lead.title.matches('(a+)+$')",
    "lead.title.matches('(x+x+)+y')",
    "lead.title.matches('" + "(x?){50}" * 20 + "')",
    "lead.title.matches('((((x{1,100}){1,100}){1,100}){1,100})')",
    "[1, 2].all(a, [1, 2].all(b, [1, 2].all(c, true)))",
    "[1, 2].map(a, a).size() > 1",
    "lead.title + lead.title + lead.title == 'x'",
    "'" + "a" * 2_000 + "' == lead.title",
    "lead.fit ? 1 : 2",
    "lead" + ".x" * 400,
    "has(" * 200,
    "\x00",
    "lead.title == '\\ud800'",
    "{'a': 1}",
    "type(lead.title) == string",
    "timestamp(lead.title) > timestamp('x')",
    "lead.title in [" + "'x', " * 150 + "'y']",
    "1/0 > lead.fit",
    "lead.fit / 0 > 1",
)
"""Conditions; most are refused, the others end."""
