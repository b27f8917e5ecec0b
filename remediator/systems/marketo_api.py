"""Calls to Marketo and the envelope that answers come in; what the calls are for, the modules above say."""

from __future__ import annotations

import random as random_module
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from remediator.errors import AccessDenied, TransientError
from remediator.model import SystemName
from remediator.settings import MarketoSettings
from remediator.systems.auth import MARKETO_TOKEN_PATH, Token, TokenText, marketo_form
from remediator.systems.body import Body
from remediator.systems.calls import Answer, Call, TokenRefused, unclear
from remediator.systems.http import HttpSession
from remediator.systems.limiter import DailyShare, RateLimiter, own_window
from remediator.systems.marketo_errors import WINDOW_S, http_error, response_error

CALLS_PER_WINDOW = 100
# Marketo refuses a URI over 8 KB (414); the same call goes as a POST with `_method=GET`.
LONGEST_QUERY = 6_000


class VendorWord(BaseModel):
    """One code with its message; codes come quoted or bare."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    code: str
    message: str | None = None


class Envelope(Body):
    """What every REST answer is wrapped in; absent members are empty ones."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    success: bool
    request_id: str = ""
    errors: list[VendorWord] = Field(default_factory=list)
    result: list[Any] | None = None
    next_page_token: str | None = None
    more_result: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, members: Any) -> Any:
        if not isinstance(members, dict):
            return members
        return {name: value for name, value in members.items() if value is not None}


class _TokenBody(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: TokenText
    expires_in: FiniteFloat


class MarketoApi:
    """The connection to one Marketo subscription; a context manager.

    Args:
        settings: where and with which credentials.
        limiter: shared with other clients of the same subscription; by default one of its own, at
            ``rate_share`` of 100 calls per 20 s.
        share: of the day's calls, shared likewise; by default one of its own.
        clock: monotonic seconds.
        sleep: waits; it may raise to stop a run.
        random: spreads the waits.
        now: the wall clock, for when the daily quota begins anew.
    """

    name = SystemName.MARKETO

    def __init__(
        self,
        settings: MarketoSettings,
        *,
        limiter: RateLimiter | None = None,
        share: DailyShare | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: random_module.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._now = now
        self._sleep = sleep
        self._clock = clock
        calls_per_window = max(1, int(CALLS_PER_WINDOW * settings.rate_share))
        self.limiter = limiter or RateLimiter(
            max_in_flight=settings.max_in_flight,
            window=own_window(limit=calls_per_window, window_s=WINDOW_S, clock=clock),
            clock=clock,
            sleep=sleep,
        )
        self.share = share or DailyShare(
            system=self.name, share=settings.daily_share, quota=settings.daily_calls, clock=clock
        )
        self.http = HttpSession(
            system=self.name,
            base_url=settings.base_url,
            fetch_token=self._fetch_token,
            judge=self._judge,
            limiter=self.limiter,
            share=self.share,
            timeout_s=settings.timeout_s,
            max_in_flight=settings.max_in_flight,
            # The first renewal may bring the refused token once more.
            renewals=2,
            clock=clock,
            sleep=sleep,
            random=random,
        )

    def twin(self) -> Self:
        """Return another client of this subscription: limiter, daily share and gate are one."""
        made = type(self)(
            self._settings,
            limiter=self.limiter,
            share=self.share,
            clock=self._clock,
            sleep=self._sleep,
            now=self._now,
        )
        made.http.gate = self.http.gate
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def ask(self, call: Call) -> Envelope:
        """Send a call and return its envelope; raises ``VendorError`` unless it says success."""
        return self.http.take(_shortened(call), lambda answer: self._envelope(call, answer))

    def rows(self, call: Call) -> list[Mapping[str, Any]]:
        """Return the result of a call that has one page.

        Raises:
            TransientError: for a read whose answer has no result where one is due.
            NoAnswer: the same, for a write.
        """
        return self.http.take(
            _shortened(call), lambda answer: self.rows_of(call, self._envelope(call, answer))
        )

    def rows_of(self, call: Call, envelope: Envelope) -> list[Mapping[str, Any]]:
        """Return the envelope's rows; a missing ``result`` is an incomplete answer."""
        rows = envelope.result
        if rows is None or not all(isinstance(row, dict) for row in rows):
            raise unclear(
                call,
                f"incomplete answer: success, but no result (request {envelope.request_id or 'without id'})",
                code="INCOMPLETE",
                system=self.name,
            )
        return rows

    def pages(self, call: Call, *, log: bool = False) -> Iterator[list[Mapping[str, Any]]]:
        """Yield the rows of every page.

        Args:
            call: the first page's call.
            log: it is the activity log, where a page may lack its ``result``, but a token comes with every
                page, the last one too, and only ``moreResult`` promises more. Elsewhere a token does.
        """
        seen: set[str] = set()
        while True:
            envelope, rows = self._page(call, log=log)
            yield rows
            if log and not envelope.next_page_token:
                raise incomplete(call, "a page of the log came without its paging token")
            promised = envelope.more_result
            if promised is None:
                promised = not log and bool(envelope.next_page_token)
            if not promised:
                return
            token = envelope.next_page_token
            if not token or token in seen:
                had = "one we had" if token else "missing"
                raise incomplete(call, f"more is promised, but the paging token is {had}")
            seen.add(token)
            call = replace(call, params={**call.params, "nextPageToken": token})

    def _page(self, call: Call, *, log: bool) -> tuple[Envelope, list[Mapping[str, Any]]]:
        def parse(answer: Answer) -> tuple[Envelope, list[Mapping[str, Any]]]:
            envelope = self._envelope(call, answer)
            empty = log and envelope.result is None
            return envelope, [] if empty else self.rows_of(call, envelope)

        return self.http.take(_shortened(call), parse)

    def _envelope(self, call: Call, answer: Answer) -> Envelope:
        try:
            return Envelope.model_validate(answer.json())
        except ValueError:
            # The reason is not told: it would quote the body, and so somebody's data.
            raise unclear(
                call,
                f"incomplete answer: no envelope ({len(answer.content)} bytes)",
                code="INCOMPLETE",
                system=self.name,
            ) from None

    def _judge(self, call: Call, answer: Answer) -> None:
        error = http_error(call, answer)
        if error:
            raise error
        envelope = self._envelope(call, answer)
        if envelope.success != bool(envelope.errors):
            if envelope.success:
                return
            word = envelope.errors[0]
            raise response_error(call, word.code, word.message or "", now=self._now())
        told = "true, beside an error" if envelope.success else "false, without an error"
        raise unclear(call, f"success is {told}", code="INCOMPLETE", system=self.name)

    def _fetch_token(self) -> Token:
        # The form stays out of the address, and so out of every proxy's log.
        call = Call(
            method="POST", template=MARKETO_TOKEN_PATH, form=marketo_form(self._settings), authorized=False
        )
        answer = self.http.send(call, judge=_judge_token)
        try:
            body = _TokenBody.model_validate_json(answer.content)
        except ValidationError:
            raise incomplete(call, "no token in it") from None
        return Token(value=body.access_token, expires_in_s=body.expires_in)


def _judge_token(call: Call, answer: Answer) -> None:
    error = http_error(call, answer)
    if isinstance(error, TokenRefused):
        raise AccessDenied(
            "marketo: the identity service refused the client id or secret; check marketo.client_id and "
            "marketo.client_secret (Admin > LaunchPoint > View Details)",
            code="401",
            system=SystemName.MARKETO,
        )
    if error:
        raise error


def _shortened(call: Call) -> Call:
    """Turn a GET that is too long for an address into the POST that Marketo takes instead."""
    if call.method != "GET" or len(str(httpx.QueryParams(dict(call.params)))) <= LONGEST_QUERY:
        return call
    return replace(call, method="POST", params={"_method": "GET"}, form=call.params)


def id_batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the distinct ids in their order, ``size`` at a time."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def incomplete(call: Call, why: str) -> TransientError:
    """Return the error for an answer that cannot be all of it."""
    return unclear(call, f"incomplete answer: {why}", code="INCOMPLETE", system=SystemName.MARKETO)
