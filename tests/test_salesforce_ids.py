from __future__ import annotations

import pytest

from remediator.salesforce_ids import full_id, same_id


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("00D000000000001", "00D000000000001EAA"),
        ("aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaAAA"),
        ("AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"),
    ],
)
def test_a_short_id_gets_its_checksum(short: str, full: str) -> None:
    assert full_id(short) == full
    assert full_id(full) == full
    assert same_id(short, full)


@pytest.mark.parametrize(
    "text", ["", "abc", "001A0000006Vm9", "001A0000006Vm9rI", "001A0000006Vm9'", "００１A0000006Vm9r"]
)
def test_text_of_another_shape_is_no_id(text: str) -> None:
    assert full_id(text) is None
