"""The fixer acme-product: product codes from Acme's shop, as the interest that Salesforce lists.

The shop writes codes ("AN-200; SE-100") where Salesforce has a multi-select of product names. The catalogue
beside this file says what each code means, and which code replaced one that is retired.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from remediator.api import Candidate, Category, Confidence, Declined, Edit, FixRequest, Proposal

_CODE = re.compile(r"([A-Z]{2})[ -]?(\d{3})")
_LONGEST = 1_000


class ProductFixer:
    """Replaces Acme's product codes by product names.

    Options:
        retired: ``decline`` leaves a retired code without a replacement to a person (the default), ``drop``
            takes it out where other products remain.
    """

    name = "acme-product"
    categories = frozenset({Category.INVALID_PICKLIST})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the products that the codes mean, or say which code stands in the way."""
        field, value = request.field, request.value
        if not isinstance(value, str) or len(value) > _LONGEST or field.controller:
            return Declined(f"{field.label} does not hold Acme product codes", passing=True)
        parts = [part.strip() for part in re.split(r"[;,]", value) if part.strip()]
        listed = {entry.value for entry in field.picklist if entry.active}
        if not any(_CODE.fullmatch(part.upper()) for part in parts):
            return Declined(f"{field.label} does not hold Acme product codes", passing=True)
        products: dict[str, None] = {}
        for part in parts:
            product = part if part in listed else _product(part)
            if product is None and request.options.get("retired") == "drop" and _is_retired(part):
                continue
            if product is None:
                return Declined(f"{part[:40]} is no product that Acme sells; ask the shop team what it was")
            if product not in listed:
                return Declined(f"{part[:40]} is {product}, which {field.label} does not list; have it added")
            products[product] = None
        if not products or (field.type != "multipicklist" and len(products) > 1):
            return Declined(
                f"{field.label} takes one product; pick one of {', '.join(products) or 'its own'}"
            )
        return _proposal(request, ";".join(products))


FIXER = ProductFixer()


def _proposal(request: FixRequest, after: str) -> Proposal | Declined:
    if after == request.value:
        return Declined(f"{request.field.label} already holds product names", passing=True)
    return Proposal(
        edits=(Edit(field=request.field.name, after=after),),
        confidence=Confidence.EXACT,
        reason="the products that these codes mean in Acme's catalogue",
        candidates=(Candidate(value=after, score=100.0),),
    )


@cache
def _catalogue() -> Mapping[str, tuple[str, str]]:
    """Return ``{code: (product, code that replaced it)}``."""
    with (files("acme_fixers") / "catalogue.csv").open(encoding="utf-8") as file:
        return {row["code"]: (row["product"], row["replaced_by"]) for row in csv.DictReader(file)}


def _code(text: str) -> str:
    found = _CODE.fullmatch(text.upper())
    return f"{found[1]}-{found[2]}" if found else ""


def _product(text: str) -> str | None:
    """Return the product of a code, through at most one replacement."""
    product, replaced_by = _catalogue().get(_code(text), ("", ""))
    return product or _catalogue().get(replaced_by, ("", ""))[0] or None


def _is_retired(text: str) -> bool:
    return _catalogue().get(_code(text)) == ("", "")
