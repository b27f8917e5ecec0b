"""What may be told of an exception that nobody expected: where it arose, never its words.

The words of an unexpected exception may quote anything: a value, an address, a token in a URL. The places in
the code say as much to whoever mends it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator


def place(error: BaseException) -> str:
    """Return an exception's kind and its innermost place, in one short phrase."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} at {_short(frames[-1].filename)}:{frames[-1].lineno}"


def story(error: BaseException) -> str:
    """Return where an exception and its causes arose, a line a frame, the first cause first."""
    return "\n".join(line for link in reversed(list(_chain(error))) for line in _told(link))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _told(error: BaseException) -> Iterator[str]:
    yield f"{type(error).__name__}, raised by"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"


def _short(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[1:])
