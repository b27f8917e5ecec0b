"""E-mail domains that say nothing about a person's company, and likely misspellings of them."""

from __future__ import annotations

from rapidfuzz.distance import DamerauLevenshtein

_BRANDS = frozenset(
    {
        *("gmail", "googlemail", "yahoo", "ymail", "rocketmail", "hotmail", "outlook", "live", "msn"),
        *("icloud", "me", "mac", "aol", "aim", "gmx", "web", "freenet", "t-online", "mail", "email"),
        *("inbox", "protonmail", "proton", "pm", "tutanota", "tuta", "zoho", "fastmail", "hushmail"),
        *("hey", "yandex", "ya", "rambler", "bk", "list", "qq", "163", "126", "yeah", "sina", "sohu"),
        *("foxmail", "naver", "daum", "hanmail", "nate", "docomo", "ezweb", "rediffmail", "orange"),
        *("wanadoo", "free", "laposte", "sfr", "neuf", "libero", "virgilio", "tiscali", "alice"),
        *("uol", "bol", "terra", "seznam", "centrum", "wp", "o2", "onet", "interia", "abv", "ukr"),
        *("ziggo", "telenet", "comcast", "verizon", "att", "sbcglobal", "bellsouth", "cox"),
        *("charter", "earthlink", "juno", "shaw", "rogers", "bigpond", "optusnet", "btinternet"),
        *("sky", "talktalk", "virginmedia", "ntlworld", "bluewin", "mailinator", "yopmail"),
        *("guerrillamail", "10minutemail", "tempmail", "trashmail", "sharklasers", "discard"),
    }
)
# Only names long enough that one slip away from them there is nothing else.
_OFTEN_MISSPELT = (
    "gmail",
    "googlemail",
    "yahoo",
    "hotmail",
    "outlook",
    "icloud",
    "protonmail",
    "comcast",
    "verizon",
)
_REAL_NEIGHBOURS = frozenset(
    {"mail", "email", "ymail", "fmail", "tmail", "zmail", "qmail", "xmail", "amail", "umail", "imail"}
)
_COM_SLIPS = frozenset(
    {"con", "cmo", "ocm", "vom", "xom", "cim", "comm", "coom", "ccom", "c0m", "cpm", "copm", "comn"}
)
_OTHER_SLIPS = {
    "nte": "net",
    "ner": "net",
    "nett": "net",
    "ogr": "org",
    "orgg": "org",
    "rog": "org",
    "eud": "edu",
}
_POPULAR_ONLY_COM = frozenset({"co", "cm", "om", "cok"})


def is_free_mail(domain: str) -> bool:
    """Say whether anyone can have an address there (gmail.com, web.de, yahoo.co.uk ...)."""
    labels = domain.casefold().split(".")
    return any(label in _BRANDS for label in labels[:-1])


def likely_domain(domain: str) -> str | None:
    """Return the domain that a misspelt one most likely means, or ``None``; a guess, never more."""
    labels = domain.casefold().split(".")
    if len(labels) == 1:
        name = next((brand for brand in _OFTEN_MISSPELT if labels[0] == brand + "com"), None)
        return f"{name}.com" if name else None
    *front, last = labels
    if last in _COM_SLIPS:
        last = "com"
    last = _OTHER_SLIPS.get(last, last)
    if len(front) >= 2 and front[-1] == "com" and last == "com":
        front = front[:-1]
    if len(front) == 1:
        front = [_brand(front[0])]
        if front[0] in _OFTEN_MISSPELT and last in _POPULAR_ONLY_COM:
            last = "com"
    meant = ".".join([*front, last])
    return meant if meant != domain.casefold() else None


def _brand(label: str) -> str:
    if len(label) < 4 or label in _BRANDS or label in _REAL_NEIGHBOURS:
        return label
    near = [
        brand for brand in _OFTEN_MISSPELT if DamerauLevenshtein.distance(label, brand, score_cutoff=1) <= 1
    ]
    return near[0] if len(near) == 1 else label
