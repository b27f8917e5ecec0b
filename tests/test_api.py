"""The plugin interface is whole: a fixer needs no other import."""

from __future__ import annotations

from typing import get_type_hints

from remediator import api
from remediator.api import Category, Declined, Fixer, FixRequest, Proposal


class Refuses:
    """The smallest fixer there is."""

    name = "refuses"
    categories = frozenset({Category.BAD_DATA})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        return Declined(f"{request.field.name} is left to a person")


class Forgetful:
    name = "forgetful"


def test_a_plain_class_with_the_three_members_is_a_fixer() -> None:
    fixer: Fixer = Refuses()
    assert isinstance(fixer, Fixer)
    assert not isinstance(Forgetful(), Fixer)


def test_every_name_offered_exists_and_is_offered_once() -> None:
    assert sorted(set(api.__all__)) == sorted(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)


def test_all_that_a_fixer_is_given_and_may_return_can_be_imported_from_the_interface() -> None:
    for kind in (FixRequest, Proposal, Declined, api.Diagnosis, api.FieldDescription):
        for hint in get_type_hints(kind).values():
            for part in (hint, *getattr(hint, "__args__", ())):
                if (
                    getattr(part, "__module__", "") in ("remediator.model", "remediator.fixing")
                    and part.__name__ != "Owner"
                ):
                    assert part.__name__ in api.__all__
