"""Values that stand for no answer, and addresses that people make up to get past a form."""

from __future__ import annotations

from fixers.cleaning import fold

PLACEHOLDERS = frozenset(
    {
        *("", "-", "--", "---", ".", "..", "...", "?", "??", "???", "*", "_", "/", "0", "x", "xx"),
        *("xxx", "xxxx", "n/a", "na", "n.a", "n.a.", "#n/a", "none", "null", "nil", "undefined"),
        *("unknown", "unk", "tbd", "tba", "not available", "not applicable", "not specified"),
        *("not set", "not provided", "no value"),
        "[not provided]",
        *("test", "testing", "test test", "asdf", "asdfasdf", "qwerty", "abc", "foo", "bar", "dummy"),
        "sample",
        *("select", "select one", "please select", "-- select --", "- none -", "--none--", "-none-"),
        "choose one",
        *("keine angabe", "k.a.", "unbekannt", "inconnu", "aucun", "sin especificar", "desconocido"),
        "nao informado",
        *("不明", "なし", "无", "неизвестно", "нет данных"),
    }
)


def is_placeholder(text: str) -> bool:
    """Say whether the text stands for "no answer" (n/a, none, -, unknown, test ...)."""
    folded = fold(text[:200])
    return folded in PLACEHOLDERS or (folded.strip(" .-_*?!/") in PLACEHOLDERS and len(text) <= 60)


_JUNK_NAMES = frozenset(
    {
        *("test", "tester", "testing", "none", "no", "noemail", "no-email", "nomail", "noone"),
        *("nobody", "na", "n", "a", "abc", "aaa", "asdf", "qwerty", "x", "xx", "xxx", "xyz", "foo"),
        *("bar", "fake", "dummy", "unknown", "null", "email", "mail", "user", "name", "me"),
        *("example", "sample", "temp", "spam", "notprovided"),
        "notavailable",
    }
)
_AROUND = " \t\"'<>()[]{},;:."


def is_junk_address(text: str) -> bool:
    """Say whether an address is made up (test@test.com, none@none): both halves are filler."""
    local, at, domain = text.casefold().strip(_AROUND).partition("@")
    if not at:
        return False
    label = domain.split(".")[0]
    filler = local in _JUNK_NAMES and (
        label in _JUNK_NAMES or domain in {"example.com", "example.org", "example.net"}
    )
    return filler or (local == label and len(set(local)) <= 1) or domain in {"test", "localhost", "invalid"}
