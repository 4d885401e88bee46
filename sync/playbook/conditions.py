"""Conditions: a plain subset of CEL, typed against the shared fields. The one module that knows the CEL library."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cel_expr_python import cel

from schemas.base import Scalar
from sync.playbook import said, shapes
from sync.playbook.expression import Mistake, Scanned, scan, spelled, variable
from sync.playbook.models import Value, Values, Verdict, Where
from sync.playbook.problems import did_you_mean

DERIVED: dict[str, str] = {
    "fit": "number",
    "engagement": "number",
    "score": "number",
    "email_domain": "text",
    "segment": "picklist",
    "cycle": "number",
    "created_at": "time",
    "account.open_opportunities": "number",
    "account.won_opportunities": "number",
}
"""What every lead has beside its shared fields; `email_domain` is taken from `email`, `cycle` counts its hand-offs so far."""
CACHED = 512
"""Verdicts kept per condition, by the value seen."""
_TYPES = {"number": cel.Type.DOUBLE, "flag": cel.Type.BOOL}
_SAMPLES: dict[str, Scalar] = {"number": 1.0, "flag": True}


class Wrong(ValueError):
    """A condition that cannot be used; carries each mistake with its place in the text."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(m.text for m in mistakes))


def _plain(value: Value, kind: str) -> str | float | bool | None:
    """Give a value as its kind has it, None when it is blank or of another kind."""
    if kind == "number":
        return _float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "flag":
        return value if isinstance(value, bool) else None
    if kind == "time" and isinstance(value, int) and not isinstance(value, bool):
        return _iso(value)
    return value if isinstance(value, str) and value else None


def _float(number: float) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return None


def _iso(ms: int) -> str | None:
    """Give a moment in ms as its ISO text, as shared fields have it."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def _value(values: Values, name: str) -> Value:
    if name == "email_domain" and name not in values:
        email = values.get("email")
        return email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None
    return values.get(name)


def _milliseconds(now: Value) -> float | None:
    if isinstance(now, str):
        moment = _moment(now)
        return None if moment is None else moment.timestamp() * 1000
    return float(now) if isinstance(now, int | float) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _days_since(now: float, text: str) -> float:
    moment = _moment(text)
    if moment is None:
        raise ValueError("not a date")
    return (now / 1000 - moment.timestamp()) / 86_400


class _Shaped:
    """A condition of one of the common shapes: plain Python, verdicts kept by the value seen."""

    __slots__ = ("_cache", "_kind", "_shape", "guard", "names", "text", "timed", "where")

    def __init__(self, text: str, where: Where, shape: shapes.Shape, kind: str) -> None:
        self.text, self.where, self._shape, self._kind = text, where, shape, kind
        self.names = frozenset({shape.field})
        self.timed = False
        self.guard: tuple[str, frozenset[Scalar]] | None = None if shape.only is None else (shape.field, frozenset(shape.only))
        self._cache: dict[object, Verdict] = {}

    def judge(self, values: Values) -> Verdict:
        """Say whether the line holds for these values."""
        raw = values.get(self._shape.field)
        if raw is None:
            raw = _value(values, self._shape.field)
        value = _plain(raw, self._kind)
        found = self._cache.get(value)
        return found if found is not None else self._look(value, raw)

    def _look(self, value: str | float | bool | None, raw: Value) -> Verdict:
        shape = self._shape
        if value is None and raw is not None and raw != "":
            return Verdict(bool(shape.blank), self.text, str(self.where), f"{shape.field}: not a {self._kind}")
        if value is None:
            told = f"{shape.field}: field empty" if shape.blank is None else f"{shape.field} is empty"
            verdict = Verdict(bool(shape.blank), self.text, str(self.where), told)
        else:
            matched = shape.test(value)
            # `has` tells that a value is there, not which: it may be a phone number
            seen = shape.field if shape.blank is not None else f"{shape.field} {shapes.shown(value)}"
            told = f"{seen} {shape.yes if matched else shape.no}"
            verdict = Verdict(matched, self.text, str(self.where), told)
        if len(self._cache) >= CACHED:
            self._cache.clear()
        self._cache[value] = verdict
        return verdict


class _Compiled:
    """A condition that CEL judges."""

    __slots__ = ("_expression", "_kinds", "_scanned", "guard", "names", "text", "timed", "where")

    def __init__(self, text: str, where: Where, scanned: Scanned, expression: Any, kinds: Mapping[str, str]) -> None:
        self.text, self.where, self._scanned, self._expression = text, where, scanned, expression
        self._kinds = {name: kinds.get(name, "text") for name in sorted(scanned.fields)}
        self.names = frozenset(scanned.fields)
        self.timed = scanned.timed
        self.guard: tuple[str, frozenset[Scalar]] | None = None

    def judge(self, values: Values) -> Verdict:
        """Say whether the line holds for these values; anything that cannot be computed is "not matched"."""
        data: dict[str, object] = {}
        seen, empty = [], []
        for name, kind in self._kinds.items():
            value = _plain(_value(values, name), kind)
            if name in self._scanned.asked:
                data[f"has_{variable(name)}"] = value is not None
            if value is not None:
                data[variable(name)] = value
                seen.append(f"{name} {shapes.shown(value)}")
            else:
                empty.append(name)
        if self._scanned.timed:
            now = _milliseconds(values.get("now"))
            if now is not None:
                data["now"] = now
        return self._verdict(data, seen, empty)

    def _verdict(self, data: dict[str, object], seen: list[str], empty: list[str]) -> Verdict:
        try:
            outcome = self._expression.eval(data=data).value()
        except (RuntimeError, ValueError, TypeError, UnicodeError) as error:
            outcome = str(error)
        if isinstance(outcome, bool):
            told = [*seen, *(f"{name} empty" for name in empty)]
            return Verdict(outcome, self.text, str(self.where), ", ".join(told) or ("always" if outcome else "never"))
        missing = [name for name in empty if name in self._scanned.needed]
        if missing:
            return Verdict(False, self.text, str(self.where), f"{', '.join(missing)}: field empty")
        return Verdict(False, self.text, str(self.where), f"{', '.join(seen)}: cannot be computed")


Compiled = _Shaped | _Compiled
_WHOLE = re.compile(r"[=!]=|\bin\s*\[")
"""A value is compared as a whole, not looked into."""


def _countries(text: str, shape: shapes.Shape) -> None:
    """Refuse a country that no lead can have: Truce keeps two capital letters, however a system spells it."""
    wrong = next((str(v) for v in shape.literals if not re.fullmatch("[A-Z]{2}", str(v))), None)
    if wrong is not None:
        better = f"write '{wrong.upper()}'" if len(wrong) == 2 else "write its two letters, as 'DE'"
        raise Wrong([Mistake(max(0, text.find(wrong)), max(1, len(wrong)), f"{wrong} is never what {spelled(shape.field)} shows", better)])


class Conditions:
    """Compiles the conditions of one playbook against its fields; each is compiled once."""

    def __init__(
        self, fields: Mapping[str, str] | None, called: Mapping[str, str] | None = None, values: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """Take each shared field's kind (None: unknown, then names are not checked), how suggestions call it, and picklists' values."""
        self.open = fields is None
        self._values = {name: some for name, some in (values or {}).items() if some}
        self.kinds: dict[str, str] = dict(fields or {}) | DERIVED
        names = {name: spelled(name) for name in self.kinds}
        self._known = None if self.open else names | {name: f"{spelled(name)} ({place})" for name, place in (called or {}).items()}
        self._env: Any = None if self.open else _environment(self.kinds)

    def compile(self, text: str, where: Where, *, fast: bool = True) -> Compiled:
        """Give the compiled line; raises Wrong with every mistake in it. `fast=False` leaves everything to CEL."""
        scanned = scan(text, self._known)
        if scanned.mistakes:
            raise Wrong(scanned.mistakes)
        if not scanned.cel:
            raise Wrong([Mistake(0, 1, "an empty condition")])
        kinds = self.kinds | ({name: "text" for name in scanned.fields if name not in self.kinds} if self.open else {})
        if self.open:
            # without fields.yaml only the words and functions can be checked
            return _Compiled(text, where, scanned, None, kinds)
        expression = self._cel(scanned)
        shape = shapes.recognise(text) if fast else None
        if shape and shape.fits(kinds[shape.field]):
            self._among(text, shape)
            if kinds[shape.field] == "country" and _WHOLE.search(text):
                _countries(text, shape)
            return _Shaped(text, where, shape, kinds[shape.field])
        return _Compiled(text, where, scanned, expression, kinds)

    def _among(self, text: str, shape: shapes.Shape) -> None:
        """Refuse a picklist's value that does not exist; `any_of` looks for words and may ask for any."""
        known = self._values.get(shape.field)
        wrong = [str(v) for v in shape.literals if v not in known] if known and "any_of" not in text else []
        if wrong:
            said = f"{wrong[0]} is no value of {spelled(shape.field)}"
            raise Wrong([Mistake(max(0, text.rfind(wrong[0])), max(1, len(wrong[0])), said, did_you_mean(wrong[0], known or ()))])

    def _cel(self, scanned: Scanned) -> Any:
        try:
            expression = self._env.compile(scanned.cel)
        except (RuntimeError, ValueError, TypeError) as error:
            raise Wrong(said.mistakes(str(error), scanned)) from None
        if expression.return_type() != cel.Type.BOOL:
            raise Wrong([Mistake(0, len(scanned.text), "this is no condition: it is neither true nor false", "compare it: ==, >=, in […]")])
        self._try(expression, scanned)
        return expression

    def _try(self, expression: Any, scanned: Scanned) -> None:
        """Evaluate once with made-up values: a pattern that is none shows itself here, not at the first lead."""
        data: dict[str, object] = {f"has_{variable(name)}": True for name in scanned.asked} | {"now": 0.0}
        data |= {variable(name): _SAMPLES.get(self.kinds[name], "2026-01-01") for name in scanned.needed}
        outcome = expression.eval(data=data)
        if outcome.type() == cel.Type.ERROR and "regular expression" in str(outcome.value()).lower():
            at = max(scanned.text.find("matches"), 0)
            raise Wrong([Mistake(at, 7, "the pattern is no regular expression (RE2)")])


def _environment(kinds: Mapping[str, str]) -> Any:
    variables = {variable(name): _TYPES.get(kind, cel.Type.STRING) for name, kind in kinds.items()}
    variables |= {f"has_{variable(name)}": cel.Type.BOOL for name in kinds} | {"now": cel.Type.DOUBLE}
    words = cel.Type.List(cel.Type.STRING)
    return cel.NewEnv(
        variables=variables,
        functions=[
            _function("any_of", cel.Type.BOOL, [cel.Type.STRING, words], lambda text, some: shapes.any_of(text, tuple(map(_text, some)))),
            _function("days_since", cel.Type.DOUBLE, [cel.Type.DOUBLE, cel.Type.STRING], _days_since),
        ],
    )


def _text(value: Any) -> str:
    return str(value.value() if hasattr(value, "value") else value)


def _function(name: str, gives: Any, takes: list[Any], impl: Callable[..., Any]) -> Any:
    return cel.FunctionDecl(name, [cel.Overload(f"{name}_1", return_type=gives, parameters=takes, impl=impl)])
