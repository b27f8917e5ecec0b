"""Where the tables under ``rules/geo`` come from, and how names become keys."""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pycountry
import yaml

from fixers.geo_text import key_of

FOLDER = Path(__file__).parent.parent / "rules" / "geo"

# Languages in which an address outside its own country is likely to be written.
MAJOR = frozenset((
    "en", "es", "fr", "de", "it", "pt", "nl", "sv", "da", "nb", "no", "fi", "pl", "cs", "sk", "hu", "ro",
    "tr", "ru", "uk", "el", "bg", "hr", "sr", "sl", "id", "ms", "vi", "ja", "zh", "ko", "ar", "he", "hi",
    "th", "fa", "ca", "et", "lt", "lv", "bn", "ta", "te", "mr", "ur",
))  # fmt: skip
FUZZY = frozenset((
    "en", "es", "fr", "de", "it", "pt", "nl", "sv", "da", "nb", "no", "pl", "tr", "id",
))  # fmt: skip

SHORTEST = (3, 4, 5, 5)
"""Latin letters a name needs, by tier: "man", "sin" and "end" are countries in some language."""

Translations = Sequence[tuple[str, gettext.NullTranslations]]

Claims = dict[str, dict[str, tuple[int, int]]]
"""``{key: {code: (best tier, locales that say so)}}``."""


@cache
def hand(name: str) -> Any:
    """Return one of the hand-written files."""
    # Text only: "no", "nan" and "null" are words here.
    return yaml.load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def is_latin(key: str) -> bool:
    """Say whether a key is written in Latin letters."""
    return key.isascii()


def translations(domain: str) -> Iterator[tuple[str, gettext.NullTranslations]]:
    """Yield pycountry's translations of one ISO table, ``(locale, catalogue)``, in a fixed order."""
    locales = Path(pycountry.LOCALES_DIR)
    for folder in sorted(locales.iterdir()):
        if (folder / "LC_MESSAGES" / f"{domain}.mo").exists():
            yield folder.name, gettext.translation(domain, str(locales), [folder.name])


def tier_of(locale: str) -> int:
    """Return 0 for English, 1 for a language with error tolerance, 2 for other large ones, 3 for the rest."""
    language = locale.split("_")[0].split("@")[0]
    if locale == "en":
        return 0
    return 1 if language in FUZZY else 2 if language in MAJOR else 3


def forms(name: str) -> set[str]:
    """Return the keys under which a name is looked up, among them the German spelling of umlauts."""
    found = {key_of(name)}
    lowered = name.casefold()
    if any(letter in lowered for letter in "äöüå"):
        found.add(key_of(lowered.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("å", "aa")))
    if "(" in name or "[" in name:
        # "Myanmar (Burma)", "Congo - Kinshasa (RDC)": each part alone is too bold, the words in a row are
        # not.
        found.add(key_of(name.replace("(", " ").replace(")", " ")))
    return {form for form in found if form}
