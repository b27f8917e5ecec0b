"""People are told what happens, once, without anybody's data, through real mail and web servers."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from loguru import logger
from pydantic import SecretStr

from remediator.digests import Digest, digest_of, told, without_values
from remediator.errors import AccessDenied, ConfigError, LimitReached, NoAnswer, RateLimited, RecordRefused
from remediator.notify import KEPT, OK, Notifier
from remediator.settings import load_settings
from remediator.settings_sections import NotifySettings
from remediator.store import Store
from tests.builders import NOON, a_diagnosis, a_failure


@dataclass
class Webhook:
    """A web server that keeps what is posted to it; set ``status`` to have it refuse."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    @property
    def bodies(self) -> list[str]:
        return [post["message"] for post in self.posts]


@contextmanager
def webhook() -> Iterator[Webhook]:
    kept = Webhook()

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.status == 200:
                kept.posts.append(json.loads(body))
            self.send_response(kept.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server, serving(server):
        kept.url = f"json://127.0.0.1:{server.server_address[1]}/hook"
        yield kept


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class MailBox(socketserver.ThreadingTCPServer):
    """As much of an SMTP server (RFC 5321) as a client without encryption needs."""

    allow_reuse_address = True
    block_on_close = True

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.readers: list[str] = []
        super().__init__(("127.0.0.1", 0), _Post)


class _Post(socketserver.StreamRequestHandler):
    server: MailBox

    def handle(self) -> None:
        self._say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                self._say("250 mail.example")
            elif word == "RCPT":
                self.server.readers.append(line.partition("<")[2].rstrip(">"))
                self._say("250 OK")
            elif word == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
                self._say("250 OK")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 OK")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as kept:
        yield kept


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with Store.open(sqlite_url) as opened:
        yield opened


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def a_notifier(store: Store, *urls: str, clock: Clock | None = None, **settings: Any) -> Notifier:
    chosen = NotifySettings(urls=SecretStr("\n".join(urls)), **settings)
    return Notifier(store.running, chosen, clock=clock or Clock(), connection="main", threaded=False)


def a_digest(run: int = 7, **fields: Any) -> Digest:
    kept: dict[str, Any] = {"what": "campaign nightly", "outcome": "ok", "counts": {"changes_applied": 3}}
    return Digest(run=run, **(kept | fields))


def test_a_run_is_told_with_its_counts_causes_verdicts_what_waits_and_the_link(
    store: Store, hook: Webhook
) -> None:
    notifier = a_notifier(store, hook.url, link="https://pages.example/runs")
    counts = {"changes_applied": 3, "cleared": 2, "same_error": 1, "open_after": 12}
    notifier.digest(
        a_digest(counts=counts, causes=[("invalid_picklist Lead.Country", 9)], to_review=4, outcome="partial")
    )
    assert notifier.flush()
    (post,) = hook.posts
    assert post["title"] == "remediator main: campaign nightly: partial (run 7)"
    assert post["type"] == "warning"
    assert post["message"].splitlines() == [
        "campaign nightly: partial (run 7)",
        "Done: changes applied 3",
        "Verdicts: cleared 2, same error 1",
        "Now: open cases 12",
        "Open by cause: 9 invalid_picklist Lead.Country",
        "Waits for review: 4 changes",
        "",
        "https://pages.example/runs",
    ]


def test_a_mail_reaches_its_reader(store: Store) -> None:
    with MailBox() as server, serving(server):
        port = server.server_address[1]
        notifier = a_notifier(
            store,
            f"mailto://127.0.0.1:{port}?from=bot@corp.example&to=ops@corp.example&mode=insecure&format=text",
        )
        notifier.state(
            "salesforce", "down", AccessDenied("no", code="INVALID_SESSION_ID", system="salesforce")
        )
        assert notifier.flush()
    (mail,) = server.mails
    assert server.readers == ["ops@corp.example"]
    parsed = message_from_string(mail, policy=policy.default)
    assert parsed["Subject"] == "remediator main: salesforce is down"
    body = parsed.get_body(("plain",))
    assert body is not None
    said = "salesforce: credentials are wrong or rights are missing (code INVALID_SESSION_ID)"
    assert said in body.get_content()


def test_a_state_is_told_once_and_its_end_once(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url)
    for _ in range(3):
        notifier.state("marketo", "down", "no answer")
        notifier.flush()
    for _ in range(2):
        notifier.state("marketo", OK)
        notifier.flush()
    assert [post["title"] for post in hook.posts] == [
        "remediator main: marketo is down",
        "remediator main: marketo is well again",
    ]
    assert [post["type"] for post in hook.posts] == ["failure", "success"]


def test_what_was_never_in_trouble_is_not_told_as_well_again(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url)
    notifier.state("store", OK)
    assert notifier.flush()
    assert hook.posts == []


def test_the_next_process_knows_what_the_last_one_told(store: Store, hook: Webhook) -> None:
    first = a_notifier(store, hook.url)
    first.state("config", "broken", "a.yaml is wrong")
    first.close()
    second = a_notifier(store, hook.url)
    assert second.standing() == ["config"]
    second.state("config", "broken", "a.yaml is wrong")
    second.state("config", OK)
    second.close()
    assert len(hook.posts) == 2
    assert second.standing() == []


def test_a_trouble_that_is_over_before_anybody_was_told_is_not_told(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url)
    notifier.state("marketo", "down")
    notifier.state("marketo", OK)
    assert notifier.flush()
    assert hook.posts == []


def test_what_happens_together_is_one_message_with_the_troubles_first(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url)
    notifier.digest(a_digest(1))
    notifier.digest(a_digest(2))
    notifier.state("store", "down")
    notifier.flush()
    (post,) = hook.posts
    assert post["title"] == "remediator main: store is down and 2 more"
    assert [block.splitlines()[0] for block in post["message"].split("\n\n")] == [
        "store is down",
        "campaign nightly: ok (run 1)",
        "campaign nightly: ok (run 2)",
    ]


def test_over_the_hourly_cap_digests_are_counted_and_states_wait(store: Store, hook: Webhook) -> None:
    clock = Clock()
    notifier = a_notifier(store, hook.url, clock=clock, per_hour=2)
    for run in range(1, 6):
        notifier.digest(a_digest(run))
        notifier.flush()
    notifier.state("marketo", "down")
    assert not notifier.flush()
    assert len(hook.posts) == 2
    clock.now += timedelta(hours=1, seconds=1)
    assert notifier.flush()
    (later,) = hook.bodies[2:]
    assert later.startswith("marketo is down")
    assert later.endswith("3 digests were held back: at most 2 messages an hour")
    notifier.digest(a_digest(9))
    notifier.flush()
    assert "held back" not in hook.bodies[3]


def test_a_channel_that_fails_is_tried_again_and_the_others_hear_once(store: Store, hook: Webhook) -> None:
    with webhook() as other:
        notifier = a_notifier(store, hook.url, other.url)
        hook.status = 500
        notifier.digest(a_digest())
        assert not notifier.flush()
        assert (len(hook.posts), len(other.posts)) == (0, 1)
        hook.status = 200
        assert notifier.flush()
        assert (len(hook.posts), len(other.posts)) == (1, 1)


def test_what_could_not_be_sent_is_sent_by_the_next_process(store: Store, hook: Webhook) -> None:
    hook.status = 503
    with a_notifier(store, hook.url) as first:
        first.digest(a_digest())
    hook.status = 200
    with a_notifier(store, hook.url):
        pass
    assert len(hook.posts) == 1


def test_a_digest_that_nobody_took_for_a_day_is_dropped(store: Store, hook: Webhook) -> None:
    clock = Clock()
    notifier = a_notifier(store, hook.url, clock=clock)
    hook.status = 500
    notifier.digest(a_digest())
    notifier.flush()
    clock.now += KEPT + timedelta(seconds=1)
    assert notifier.flush()
    assert store.running.notices(prefix="outbox:") == []


def test_a_server_that_is_not_there_fails_nothing(store: Store) -> None:
    notifier = a_notifier(store, "json://127.0.0.1:1/hook")
    notifier.state("store", "down")
    assert not notifier.flush()


def test_a_campaign_is_told_to_the_channels_it_names_only(store: Store, hook: Webhook) -> None:
    with webhook() as other:
        notifier = a_notifier(store, f"ops={hook.url}", f"sales={other.url}")
        notifier.digest(a_digest(), to=["sales"])
        notifier.flush()
        assert (len(hook.posts), len(other.posts)) == (0, 1)
        notifier.digest(a_digest(8), to=["nobody"])
        notifier.flush()
        assert (len(hook.posts), len(other.posts)) == (1, 2)


@pytest.mark.parametrize(("wanted", "told_runs"), [("always", [1, 2, 3]), ("work", [2, 3]), ("never", [])])
def test_which_runs_are_told_is_a_setting(
    store: Store, hook: Webhook, wanted: str, told_runs: list[int]
) -> None:
    notifier = a_notifier(store, hook.url, digest=wanted)
    notifier.digest(a_digest(1, counts={"open_after": 5, "calls_marketo_ok": 2}))
    notifier.digest(a_digest(2))
    notifier.digest(a_digest(3, counts={}, outcome="failed"))
    notifier.flush()
    text = "\n".join(hook.bodies)
    assert [run for run in (1, 2, 3) if f"(run {run})" in text] == told_runs


def test_no_value_mail_address_or_id_is_told_by_default(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url)
    secret = "jane.doe@corp.example"
    refused = RecordRefused("Lead 1001234: Country: Untied States", code="1006", system="marketo")
    notifier.state("campaign:nightly", "stopped", refused)
    notifier.state("inbox", "broken", f"row of {secret}: 'Untied States' for 00Q5g00000AbCdEEAV")
    notifier.digest(a_digest(note=f'lead 1001234 has "Untied States", {secret}'))
    notifier.flush()
    whole = json.dumps(hook.posts)
    for private in (secret, "jane", "1001234", "Untied", "00Q5g00000AbCdEEAV"):
        assert private not in whole
    assert "campaign nightly is stopped\\nmarketo: it refused a call (code 1006)" in whole


def test_details_are_told_when_the_settings_ask_for_them(store: Store, hook: Webhook) -> None:
    notifier = a_notifier(store, hook.url, details=True)
    notifier.state("inbox", "broken", "row of 'Jane'")
    notifier.flush()
    assert "row of 'Jane'" in hook.bodies[0]


def test_of_the_causes_nothing_personal_gets_into_a_digest(store: Store) -> None:
    mine = a_diagnosis(value="Jane", fields=("jane@corp.example",))
    run = store.start_run("scan", campaign="nightly", now=NOON)
    store.take([(a_failure(message="Jane is too long"), mine)], run=run, now=NOON)
    store.finish_run(run, outcome="ok", counters={"new": 1}, now=NOON)
    record = store.run(run)
    assert record is not None
    digest = digest_of(record, store.causes(), to_review=0, note="")
    assert digest.causes == [("invalid_picklist FIELD_INTEGRITY_EXCEPTION (e-mail)", 1)]
    assert "jane" not in repr(digest).lower()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12,000 changes a day are allowed; 4000 records changed", None),
        ("store sqlite:///remediator.db: database is locked", None),
        ("the plan has 5001 changes, the limit is 5000 changes", None),
        ("limits.per_day (20000); plan 20261130-091234-12345678 waits, apply 20261130-091234-ab34ef12", None),
        ("3000 changes on top of today's 18000 are more", None),
        ("country would change on 1500 of 5000 marketo records today", None),
        (
            "reach 20261130-091234 or 12345678-091234-1234567",
            "reach (number)-(number) or (number)-(number)-(number)",
        ),
        ("call +4930123456 or lead 17", "call (number) or lead (id)"),
        ("Don't stop at 'Jane Doe'; it's over", "Don't stop at (text); it's over"),
        ("a0B5g00000XyZzA and International15 stay apart", "(id) and International15 stay apart"),
        ("first\nsecond", "first second"),
    ],
)
def test_what_may_be_personal_is_hidden_and_our_own_figures_are_not(text: str, kept: str | None) -> None:
    assert without_values(text) == (kept or text)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (NoAnswer("read of Jane", system="marketo"), "marketo: it does not answer"),
        (
            RateLimited("x", code="607", system="marketo", retry_after_s=9, daily=True),
            "marketo: the daily quota is used up",
        ),
        (
            RateLimited("x", code="606", system="marketo", retry_after_s=9),
            "marketo: it asks to wait (code 606)",
        ),
        (LimitReached("5000 changes", limit="max_changes"), "5000 changes"),
        (KeyError("Jane"), "a bug, not yours: KeyError; the log has the rest"),
    ],
)
def test_of_an_exception_only_what_is_safe_is_said(trouble: Exception, said: str) -> None:
    assert told(trouble) == said


@pytest.mark.parametrize("url", ["nonsense", "foo://token-s3cret@host", "slack://s3cret"])
def test_an_address_that_cannot_be_used_is_refused_by_its_place_without_its_token(
    store: Store, url: str
) -> None:
    with pytest.raises(ConfigError, match="address 2") as caught:
        a_notifier(store, "json://127.0.0.1/fine", url)
    assert "s3cret" not in str(caught.value)


def test_the_addresses_come_from_a_file_and_show_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "urls").write_text("# who is told\nops=json://u:s3cret@127.0.0.1/hook\n\n")
    monkeypatch.setenv("REMEDIATOR_NOTIFY_URLS_FILE", str(tmp_path / "urls"))
    settings = load_settings().settings
    assert settings.notify.urls is not None
    assert "s3cret" in settings.notify.urls.get_secret_value()
    assert "s3cret" not in repr(settings)
    (tmp_path / "remediator.yaml").write_text("notify:\n  urls: json://127.0.0.1\n")
    with pytest.raises(ConfigError, match=r"notify\.urls is a secret"):
        load_settings()


def test_a_failing_channel_is_logged_without_its_address(store: Store) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    try:
        notifier = a_notifier(store, "ops=json://user:s3cret@127.0.0.1:1/hook")
        notifier.state("store", "down")
        notifier.flush()
    finally:
        logger.remove(sink)
    assert any("Channel ops did not take" in line for line in lines)
    assert "s3cret" not in "".join(lines)


def test_without_channels_nothing_is_put_on_record(store: Store) -> None:
    with a_notifier(store) as notifier:
        notifier.state("store", "down")
        notifier.digest(a_digest())
    assert store.running.notices(prefix="") == []


def test_that_the_store_is_down_is_told_all_the_same_and_its_recovery_too(
    store: Store, hook: Webhook
) -> None:
    notifier = a_notifier(store, hook.url)
    with store._database.writing() as conn:
        conn.exec_driver_sql("ALTER TABLE notices RENAME TO gone")
    notifier.state("store", "down", "disk is full")
    assert notifier.flush()
    with store._database.writing() as conn:
        conn.exec_driver_sql("ALTER TABLE gone RENAME TO notices")
    notifier.state("store", OK)
    assert notifier.flush()
    assert [post["title"] for post in hook.posts] == [
        "remediator main: store is down",
        "remediator main: store is well again",
    ]


def test_a_thread_sends_while_the_work_goes_on(store: Store, hook: Webhook) -> None:
    settings = NotifySettings(urls=SecretStr(hook.url), group_s=0)
    with Notifier(store.running, settings, clock=Clock(), connection="main") as notifier:
        notifier.state("store", "down")
        pause = threading.Event()
        for _ in range(500):
            if hook.posts:
                break
            pause.wait(0.01)
        assert len(hook.posts) == 1
