from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remediator.errors import ConfigError, RemediatorError, StoreError
from remediator.health import SILENT_S, Port, Pulse, _reachable, ask, other_command
from tests.test_switch import Seconds


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def pulse(clock: Seconds) -> Pulse:
    return Pulse(clock)


@contextmanager
def a_port(
    pulse: Pulse, metrics: bytes | Exception = b"up 1\n", *, listen: str = "127.0.0.1:0"
) -> Iterator[str]:
    def render() -> bytes:
        if isinstance(metrics, Exception):
            raise metrics
        return metrics

    with Port(listen, pulse=pulse, metrics=render) as port:
        yield port.address


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_a_loop_that_goes_round_is_alive_and_one_that_hangs_is_not(pulse: Pulse, clock: Seconds) -> None:
    with a_port(pulse) as address:
        assert get(address, "/healthz")[0] == 200
        clock.now += SILENT_S
        assert get(address, "/healthz")[0] == 503
        pulse.beat()
        assert get(address, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("role", "status"), [("starting", 503), ("working", 200), ("waiting", 200), ("draining", 503)]
)
def test_who_works_or_could_at_once_is_ready(pulse: Pulse, role: str, status: int) -> None:
    pulse.say(role=role)
    with a_port(pulse) as address:
        found, said = get(address, "/readyz")
    assert found == status
    assert json.loads(said)["role"] == role


def test_without_its_store_a_daemon_is_alive_and_not_ready(pulse: Pulse) -> None:
    pulse.say(role="working", store_error="the disk is full")
    with a_port(pulse) as address:
        assert get(address, "/healthz")[0] == 200
        status, said = get(address, "/readyz")
    assert (status, json.loads(said)["store_error"]) == (503, "the disk is full")


def test_metrics_are_served_as_they_are_and_fail_as_a_scrape_when_there_are_none(pulse: Pulse) -> None:
    with a_port(pulse) as address:
        assert get(address, "/metrics") == (200, "up 1\n")
        assert get(address, "/metrics?x=1")[0] == 200
        assert get(address, "/else")[0] == 404
    with a_port(pulse, StoreError("the disk is full")) as address:
        assert get(address, "/metrics")[0] == 503


def test_a_taken_port_is_refused_with_what_to_set(pulse: Pulse) -> None:
    with a_port(pulse) as address, pytest.raises(ConfigError, match=r"daemon\.listen"):
        Port(address, pulse=pulse, metrics=bytes)


def test_asking_returns_what_the_daemon_says_and_fails_when_nobody_does(pulse: Pulse) -> None:
    pulse.say(role="waiting", holder="host:1", busy=("country",))
    with a_port(pulse) as address:
        status, said = ask(address, "/healthz")
        assert (status, said["holder"], said["busy"]) == (200, "host:1", ["country"])
        everywhere = address.replace("127.0.0.1", "0.0.0.0")
        assert ask(everywhere, "/healthz")[0] == 200
    with pytest.raises(RemediatorError, match=r"no daemon answers.*daemon\.listen"):
        ask(address, "/healthz")


@pytest.mark.parametrize(
    ("listens_on", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.5", "10.0.0.5"), ("bot.internal", "bot.internal")],
)
def test_who_listens_on_every_address_is_asked_on_loopback(listens_on: str, asked: str) -> None:
    assert _reachable(listens_on) == asked


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("listen", ["[::1]:0", "[::]:0"])
def test_an_ipv6_address_is_listened_on_and_answers(pulse: Pulse, listen: str) -> None:
    with a_port(pulse, listen=listen) as address:
        assert address.startswith(listen.removesuffix("0"))
        assert ask(address, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("started", "other"),
    [
        (["/opt/remediator/bin/python", "/opt/remediator/bin/remediator", "sandbox", "--leads", "5"], True),
        (["/opt/remediator/bin/python", "/opt/remediator/bin/remediator", "run", "--once"], True),
        (["/sbin/docker-init", "--", "remediator", "demo", "--json"], True),
        (["/opt/remediator/bin/python", "/opt/remediator/bin/remediator", "daemon"], False),
        (["/sbin/docker-init", "--", "remediator", "-c", "/config/a.yaml", "daemon"], False),
        (["sh", "-c", "sleep 5; exec remediator -v daemon"], False),
        (["/bin/sh", "/start.sh"], False),
        ([], False),
    ],
)
def test_only_a_container_that_certainly_runs_another_command_is_well_without_a_daemon(
    started: list[str], other: bool, tmp_path: Path
) -> None:
    main_process = tmp_path / "cmdline"
    main_process.write_bytes(b"".join(word.encode() + b"\0" for word in started))
    assert other_command(main_process) is other
    assert not other_command(tmp_path / "nowhere")
