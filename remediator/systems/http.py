"""One HTTP session per vendor: tokens, limits, repeats, counts. What answers mean, the vendor's table says.

The rule for repeating a call is short. A ``TransientError`` promises that nothing was carried out, or that
the call only read: it is repeated. ``NoAnswer`` promises nothing: it goes up, and the caller reads the
record again. So a write is never repeated blindly.
"""

from __future__ import annotations

import json
import logging
import random as random_module
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from loguru import logger

from remediator.errors import AccessDenied, NoAnswer, PermanentError, RateLimited, TransientError, VendorError
from remediator.model import SystemName
from remediator.systems.auth import Token, TokenCache
from remediator.systems.breaker import CircuitOpen
from remediator.systems.calls import Answer, Call, HeldBack, TokenRefused, redact, unclear
from remediator.systems.limiter import DailyShare, RateLimiter

T = TypeVar("T")

TRIES = 4
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
# A vendor that asks for more patience than this gets it from the caller, not from a sleeping thread.
LONGEST_HOLD_S = 120.0
# A write is not begun later than this after it was asked for: its caller has read the records just before,
# and takes a write without an outcome for lost after verify.late_write_s.
WRITE_WINDOW_S = 60.0
CONNECT_TIMEOUT_S = 15.0
# For a whole file: an export of the largest size that Marketo makes in a day, over a slow line.
LONGEST_DOWNLOAD_S = 1_800.0
_LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


Judge = Callable[[Call, Answer], None]
"""Raises the ``VendorError`` that an answer stands for; returns when the answer is good."""


class HttpSession:
    """Sends calls to one vendor.

    Args:
        system: whose API it is.
        base_url: host of the token requests, and of the calls unless the token names another.
        fetch_token: gets a new token through this session's ``send`` with an unauthorized call.
        judge: the vendor's error table.
        limiter: shared by everything that calls the same subscription.
        share: our share of the day.
        timeout_s: for a whole answer, not only between two bytes of it; a download may take longer.
        observe: sees every answer, good or bad, for the quota that it may carry.
        renewals: how often one call may get a new token before its refusal is believed.
        clock: monotonic seconds.
        sleep: waits; it may raise to stop a run.
        random: spreads the waits.

    Attributes:
        calls: ``{"METHOD template": calls}``, log-ins among them.
        results: ``{"ok" or error code: calls}``; log-ins, which cost nothing of the day, if they fail.
        gate: called when a write has had its wait and is about to leave; raises to stop it.
    """

    def __init__(
        self,
        *,
        system: SystemName,
        base_url: str,
        fetch_token: Callable[[], Token],
        judge: Judge,
        limiter: RateLimiter,
        share: DailyShare,
        timeout_s: float,
        max_in_flight: int,
        observe: Callable[[Answer], None] = lambda _: None,
        renewals: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: random_module.Random | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.base_url = base_url
        self.gate: Callable[[], None] = lambda: None
        self.tokens = TokenCache(fetch_token, clock=clock, sleep=sleep)
        self._system = system
        self._judge = judge
        self._limiter = limiter
        self._share = share
        self._timeout_s = timeout_s
        self._observe = observe
        self._renewals = renewals
        self._clock = clock
        self._sleep = sleep
        self._random = random or random_module.Random()
        self._counting = threading.Lock()
        # httpx logs every URL at INFO, and ours carry e-mail addresses as filter values.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        connections = max_in_flight + 1
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={
                "User-Agent": f"remediator/{version('remediator')}",
                "Accept": "application/json",
                # What a proxy remembers may have been written over since.
                "Cache-Control": "no-cache",
            },
            verify=_tls(),
            # A proxy that the environment names is for the world outside, not for a sandbox on loopback.
            trust_env=urlsplit(base_url).hostname not in _LOCAL_HOSTS,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, call: Call, *, judge: Judge | None = None) -> Answer:
        """Send a call, repeat it where that is safe, and return a good answer.

        Raises:
            NoAnswer: a write may or may not have been carried out.
            VendorError: any other; the call was certainly not carried out, or only read.
        """
        return self.take(call, lambda answer: answer, judge=judge)

    def take(self, call: Call, parse: Callable[[Answer], T], *, judge: Judge | None = None) -> T:
        """Like ``send``, and return what ``parse`` makes of the good answer.

        ``parse`` raises what ``unclear`` returns when the answer is not whole: a read is then repeated.
        """
        asked_at = self._clock()
        return self._repeat(call, lambda: parse(self._send_once(call, judge or self._judge, asked_at)))

    def download(self, call: Call, path: Path) -> str:
        """Stream an answer's body into a file and return its SHA-256 in hex; half an hour is the longest."""
        return self._repeat(call, lambda: self._download_once(call, path))

    def _repeat(self, call: Call, once: Callable[[], T]) -> T:
        tries, renewed = 0, 0
        while True:
            try:
                return once()
            except TokenRefused as exc:
                if renewed == self._renewals:
                    raise AccessDenied(
                        f"{self._system}: a fresh token was refused too ({exc}); check the credentials "
                        "and that it may use the API",
                        code=exc.code,
                        system=self._system,
                    ) from exc
                renewed += 1
            except (NoAnswer, HeldBack, CircuitOpen):
                raise
            except TransientError as exc:
                tries += 1
                wait_s = self._wait_s(exc, tries)
                if wait_s is None:
                    raise
                logger.bind(event="api_retry", system=self._system, call=call.name, code=exc.code).debug(
                    "{} {}: trying again in {:.1f} s", self._system, call.name, wait_s
                )
                self._sleep(wait_s)

    def _wait_s(self, error: TransientError, tries: int) -> float | None:
        """Return how long to wait before the next try, or ``None`` to give up."""
        if tries >= TRIES:
            return None
        backoff_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (tries - 1)) * self._random.uniform(0.5, 1)
        if not isinstance(error, RateLimited):
            return backoff_s
        if error.daily or error.retry_after_s > LONGEST_HOLD_S:
            return None
        self._limiter.hold(error.retry_after_s)
        return max(backoff_s, error.retry_after_s * self._random.uniform(1, 1.1))

    def _send_once(self, call: Call, judge: Judge, asked_at: float) -> Answer:
        with self._place(call) as token, self._translated(call):
            if call.writes and self._clock() - asked_at > WRITE_WINDOW_S:
                raise HeldBack(
                    f"{self._system}: {call.name} had to wait for over {WRITE_WINDOW_S:.0f} s, so it was not "
                    "sent; run again",
                    code="HELD_BACK",
                    system=self._system,
                )
            if call.writes:
                self.gate()
            began = self._clock()
            with self._stream(call, token) as response:
                answer = _answer(response, b"".join(self._chunks(call, response, began, self._timeout_s)))
            self._judged(call, answer, judge, token)
            return answer

    def _download_once(self, call: Call, path: Path) -> str:
        with self._place(call) as token, self._translated(call):
            began = self._clock()
            with self._stream(call, token) as response:
                # Marketo reports an ended token inside HTTP 200, in JSON, where a file was asked for.
                is_file = not response.headers.get("content-type", "").startswith("application/json")
                if response.status_code == httpx.codes.OK and is_file:
                    digest = sha256()
                    with path.open("wb") as file:
                        for chunk in self._chunks(call, response, began, LONGEST_DOWNLOAD_S):
                            digest.update(chunk)
                            file.write(chunk)
                    self._counted(call, "ok")
                    return digest.hexdigest()
                answer = _answer(response, b"".join(self._chunks(call, response, began, self._timeout_s)))
            self._judged(call, answer, self._judge, token)
            raise PermanentError(
                f"{self._system}: {call.name}: HTTP {answer.status}: {answer.excerpt()}",
                code=str(answer.status),
                system=self._system,
            )

    @contextmanager
    def _place(self, call: Call) -> Iterator[Token | None]:
        """Hold a place in the limits, with a token, for an authorized call."""
        if not call.authorized:
            # A log-in takes nothing of the day's calls (Marketo, "Authentication"); Salesforce does not say,
            # and tells with each answer what was used.
            yield None
            return
        with self._limiter.breaker.watch(call.name, self._system):
            # The token first: fetching it may wait, and would hold a place meanwhile.
            token = self.tokens.get()
            self._share.check()
            with self._limiter.slot():
                self._share.count()
                yield token

    @contextmanager
    def _stream(self, call: Call, token: Token | None) -> Iterator[httpx.Response]:
        base = token.instance_url if token and token.instance_url else self.base_url
        headers = dict(call.headers)
        if token:
            headers["Authorization"] = f"Bearer {token.value}"
        content = None
        if call.body is not None:
            content = self._encoded(call)
            headers["Content-Type"] = "application/json"
        form = {name: str(value) for name, value in call.form.items()} if call.form is not None else None
        with self._counting:
            self.calls[call.name] += 1
        request = self._client.build_request(
            call.method,
            base.rstrip("/") + call.path,
            params=dict(call.params) or None,
            headers=headers,
            content=content,
            data=form,
        )
        response = self._client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    def _encoded(self, call: Call) -> bytes:
        try:
            return json.dumps(call.body, separators=(",", ":"), allow_nan=False).encode()
        except ValueError as exc:
            raise PermanentError(
                f"{self._system}: {call.name} cannot be sent: its body is no JSON ({exc})",
                system=self._system,
            ) from exc

    def _chunks(self, call: Call, response: httpx.Response, began: float, within_s: float) -> Iterator[bytes]:
        for chunk in response.iter_bytes():
            # The read time-out starts anew with every byte; a server that drips would hold us for hours.
            if self._clock() - began > within_s:
                raise unclear(
                    call,
                    f"the answer was not whole after {within_s:.0f} s",
                    code="TIMEOUT",
                    system=self._system,
                )
            yield chunk

    def _judged(self, call: Call, answer: Answer, judge: Judge, token: Token | None) -> None:
        self._observe(answer)
        try:
            judge(call, answer)
        except VendorError as exc:
            self._counted(call, exc.code or "error")
            if isinstance(exc, TokenRefused) and token:
                self.tokens.drop(token)
            raise
        self._counted(call, "ok")

    def _counted(self, call: Call, result: str) -> None:
        if call.authorized or result != "ok":
            with self._counting:
                self.results[result] += 1

    @contextmanager
    def _translated(self, call: Call) -> Iterator[None]:
        """Turn transport failures into our errors: was the call sent or not?"""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            self._counted(call, "no_connection")
            raise TransientError(
                f"{self._system}: no connection for {call.name}: {redact(str(exc))}; nothing was sent. "
                f"Check {self._system}.url, the network and its proxy",
                code="NO_CONNECTION",
                system=self._system,
            ) from exc
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as exc:
            raise PermanentError(
                f"{self._system}: {call.name} cannot be sent: {redact(str(exc))}; check {self._system}.url",
                system=self._system,
            ) from exc
        except httpx.RequestError as exc:
            self._counted(call, "no_answer")
            why = f"no whole answer: {redact(str(exc)) or type(exc).__name__}"
            raise unclear(call, why, code="NO_ANSWER", system=self._system) from exc


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificate bundle takes longer than any call on loopback; every session trusts the same.
    return httpx.create_ssl_context()


def _answer(response: httpx.Response, content: bytes) -> Answer:
    return Answer(status=response.status_code, headers=dict(response.headers), content=content)
