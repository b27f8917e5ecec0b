"""Calls to Salesforce: log-in, limits, versioned paths; what the calls are for, the modules above say."""

from __future__ import annotations

import random as random_module
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from remediator.errors import TransientError
from remediator.model import SystemName
from remediator.settings import SalesforceSettings
from remediator.systems.auth import SALESFORCE_TOKEN_PATH, Token, TokenText, salesforce_form
from remediator.systems.calls import Answer, Call, unclear
from remediator.systems.http import HttpSession
from remediator.systems.limiter import DailyShare, RateLimiter
from remediator.systems.salesforce_errors import answer_error, token_error

T = TypeVar("T")

_USAGE = re.compile(r"(?<!-)api-usage=(\d+)/(\d+)")
_OUR_USAGE = re.compile(r"per-app-api-usage=(\d+)/")
# Writes that repair data must not move owners: assignment rules run by default on every save.


class _TokenBody(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: TokenText
    instance_url: str
    id: str = ""


class SalesforceApi:
    """The connection to one org as one user; a context manager.

    Args:
        settings: where and with which credentials.
        limiter: shared with other clients of the same org; by default one of its own.
        share: of the day's calls, shared likewise.
        clock: monotonic seconds.
        sleep: waits; it may raise to stop a run.
        random: spreads the waits.
        now_s: epoch seconds, for the log-in assertion.
    """

    name = SystemName.SALESFORCE

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        limiter: RateLimiter | None = None,
        share: DailyShare | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: random_module.Random | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._now_s = now_s
        self._clock = clock
        self._sleep = sleep
        self.limiter = limiter or RateLimiter(max_in_flight=settings.max_in_flight, clock=clock, sleep=sleep)
        self.share = share or DailyShare(system=self.name, share=settings.daily_share, clock=clock)
        self.http = HttpSession(
            system=self.name,
            base_url=settings.base_url,
            fetch_token=self._fetch_token,
            judge=_judge,
            limiter=self.limiter,
            share=self.share,
            timeout_s=settings.timeout_s,
            max_in_flight=settings.max_in_flight,
            observe=self._observe,
            clock=clock,
            sleep=sleep,
            random=random,
        )

    def twin(self) -> Self:
        """Return another client of this org: limiter, daily share and gate are one."""
        made = type(self)(
            self._settings,
            limiter=self.limiter,
            share=self.share,
            clock=self._clock,
            sleep=self._sleep,
            now_s=self._now_s,
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

    @property
    def root(self) -> str:
        """The path that all versioned resources stand under."""
        return f"/services/data/v{self._settings.api_version}"

    def ask(self, call: Call, parse: Callable[[Any], T]) -> T:
        """Send a call and return what ``parse`` makes of its JSON body.

        ``parse`` raises ``incomplete`` for a body that is not whole: a read is then repeated, a write is
        ``NoAnswer``.
        """
        return self.http.take(call, lambda answer: parse(self._body(call, answer)))

    def _body(self, call: Call, answer: Answer) -> Any:
        try:
            return answer.json()
        except ValueError as exc:
            raise self.incomplete(call, f"not JSON ({len(answer.content)} bytes)") from exc

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        writes: bool = False,
        **parts: str,
    ) -> Call:
        """Return a call to a path below the version; ``parts`` are values for the names in it."""
        return Call(
            method=method,
            template=self.root + path,
            parts=parts,
            params=params or {},
            body=body,
            headers=headers or {},
            writes=writes,
        )

    def incomplete(self, call: Call, why: str) -> TransientError:
        """Return the error for an answer that is not whole; for a write it is ``NoAnswer``."""
        return unclear(call, f"incomplete answer: {why}", code="INCOMPLETE", system=self.name)

    def _observe(self, answer: Answer) -> None:
        text = answer.headers.get("sforce-limit-info", "")
        if found := _USAGE.search(text):
            ours = _OUR_USAGE.search(text)
            self.share.observe(
                used_by_all=int(found[1]), quota=int(found[2]), ours=int(ours[1]) if ours else None
            )

    def _fetch_token(self) -> Token:
        call = Call(
            method="POST",
            template=SALESFORCE_TOKEN_PATH,
            form=salesforce_form(self._settings, now_s=self._now_s()),
            authorized=False,
        )
        answer = self.http.send(call, judge=_judge_token)
        try:
            body = _TokenBody.model_validate_json(answer.content)
        except ValidationError:
            raise self.incomplete(call, "no token in it") from None
        if not _callable(body.instance_url, urlsplit(self._settings.base_url).scheme):
            raise self.incomplete(call, "the instance it names cannot be called")
        return Token(value=body.access_token, instance_url=body.instance_url, identity=body.id)


def _callable(instance_url: str, usual_scheme: str) -> bool:
    """Say whether the token may be sent there: never in clear where it came encrypted."""
    try:
        where = urlsplit(instance_url)
        return bool(where.hostname) and where.scheme in ("https", usual_scheme)
    except ValueError:
        return False


def _judge(call: Call, answer: Answer) -> None:
    if error := answer_error(call, answer):
        raise error


def _judge_token(call: Call, answer: Answer) -> None:
    if error := token_error(call, answer):
        raise error
