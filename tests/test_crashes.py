from __future__ import annotations

from remediator.crashes import place, story

SECRET = "canary@private.example"


def broken() -> Exception:
    try:
        try:
            int(SECRET)
        except ValueError as exc:
            raise KeyError(SECRET) from exc
    except KeyError as exc:
        return exc
    raise AssertionError


def test_the_place_of_an_exception_is_told_and_none_of_its_words() -> None:
    told = place(broken())
    assert told.startswith("KeyError at ")
    assert "test_crashes.py:" in told
    assert SECRET not in told


def test_the_story_goes_from_the_first_cause_to_the_last_and_quotes_nothing() -> None:
    told = story(broken())
    assert told.index("ValueError") < told.index("KeyError")
    assert " in broken" in told
    assert SECRET not in told


def test_an_exception_that_was_never_raised_has_a_name_at_least() -> None:
    assert (place(OSError("x")), story(OSError("x"))) == ("OSError", "OSError, raised by")
