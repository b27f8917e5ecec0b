"""What deploy/ and the Dockerfile promise: they name what exists, run as nobody special, hold no secret."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from pydantic import BaseModel

from remediator.cli.main import app
from remediator.metrics import StoreMetrics
from remediator.settings import MarketoSettings, Settings, load_settings
from remediator.settings_daemon import DaemonSettings
from remediator.store import Store

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
YAML_FILES = sorted(DEPLOY.rglob("*.yaml"))
TEXTS = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
PAGE = ROOT / "docs/deploying.md"
PORT = 9464

RUN = re.compile(r"(?:/bin/remediator|--rm remediator|(?<!--tag) remediator:0\.1\.0) ([^>|\n]+)")
"""`remediator ...` by its path, by its service, by its image."""


def documents(path: Path) -> list[Any]:
    return [part for part in yaml.safe_load_all(path.read_text(encoding="utf-8")) if part]


def kubernetes(kind: str) -> list[dict[str, Any]]:
    files = (DEPLOY / "kubernetes").glob("*.yaml")
    return [part for path in sorted(files) for part in documents(path) if part["kind"] == kind]


def pods() -> list[dict[str, Any]]:
    daemons = [part["spec"]["template"]["spec"] for part in kubernetes("Deployment")]
    jobs = [part["spec"]["jobTemplate"]["spec"]["template"]["spec"] for part in kubernetes("CronJob")]
    return daemons + jobs


def services() -> dict[str, Any]:
    found: dict[str, Any] = documents(DEPLOY / "compose.yaml")[0]["services"]
    return found


def dashboard() -> dict[str, Any]:
    text = (DEPLOY / "grafana/dashboards/remediator.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", joined, re.MULTILINE)


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `remediator ...` that something in deploy/, the Dockerfile or the page would run."""
    yield "Dockerfile CMD", json.loads(instructions("CMD")[-1])
    yield "Dockerfile HEALTHCHECK", json.loads(instructions("HEALTHCHECK")[0].split(" CMD ")[1])[1:]
    ours = services()["remediator"]
    yield "compose command", ours["command"]
    yield "compose healthcheck", ours["healthcheck"]["test"][2:]
    for pod in pods():
        yield "kubernetes args", pod["containers"][0]["args"]
    for path in (*TEXTS, PAGE):
        for line in RUN.findall(path.read_text(encoding="utf-8")):
            yield path.name, shlex.split(line)


def environment_names() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (*TEXTS, PAGE)]
    return set(re.findall(r"REMEDIATOR_[A-Z_]*[A-Z]\b(?!_)", "\n".join(texts)))


def sections() -> dict[str, type[BaseModel]]:
    models = {name: info.annotation for name, info in Settings.model_fields.items()}
    return {n: m for n, m in models.items() if isinstance(m, type) and issubclass(m, BaseModel)}


def variables() -> dict[str, bool]:
    """Every variable that sets something: whether it is a secret."""
    plain = {f"REMEDIATOR_{name}".upper(): False for name in Settings.model_fields}
    nested = {
        f"REMEDIATOR_{section}_{name}".upper(): "SecretStr" in str(field.annotation)
        for section, model in sections().items()
        for name, field in model.model_fields.items()
    }
    return plain | nested | {"REMEDIATOR_CONFIG": False}


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_every_yaml_file_parses_without_a_key_given_twice(path: Path) -> None:
    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key) for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"{path.name}: a key twice among {keys}"
            return super().construct_mapping(node, deep=deep)

    parts = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=Strict))
    assert parts


def test_every_command_that_deploy_runs_exists_with_its_options() -> None:
    root = typer.main.get_command(app)
    commands: dict[str, Any] = root.commands  # type: ignore[attr-defined] # a group, since there are commands
    options = {option for parameter in root.params for option in (*parameter.opts, *parameter.secondary_opts)}
    lines = list(command_lines())
    assert {"compose command", "remediator.crontab", "remediator.service", "deploying.md"} <= {
        w for w, _ in lines
    }
    for place, words in lines:
        before = list(itertools.takewhile(lambda word: word.startswith("-"), words))
        assert set(before) <= options, f"{place}: {words}"
        name = words[len(before)]
        assert name in commands, f"{place}: no command {name!r} in {words}"
        if not hasattr(commands[name], "commands"):
            known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
            given = {word.split("=")[0] for word in words[len(before) + 1 :] if word.startswith("--")}
            assert given <= known, f"{place}: {name} has no {given - known}"


def test_every_variable_that_deploy_sets_is_a_setting() -> None:
    known = set(variables())
    unknown = {name for name in environment_names() if not {name, name.removesuffix("_FILE")} & known}
    assert not unknown


def test_secrets_come_from_files_and_never_stand_in_deploy() -> None:
    secret = {name for name, is_secret in variables().items() if is_secret}
    assert len(secret) >= 3, "the settings no longer mark their secrets"
    assert not environment_names() & secret, "a secret is given as a value"
    assert not kubernetes("Secret"), "a secret in a manifest is a secret in a repository"
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://[^\s/:@]+:[^\s/@]+@", text), f"{path.name}: a password in an address"
        assert "PRIVATE KEY" not in text
    for source in documents(DEPLOY / "compose.yaml")[0]["secrets"].values():
        assert set(source) == {"file"}
    for service in services().values():
        held = {f"/run/secrets/{name}" for name in service["secrets"]}
        read = {value for name, value in service["environment"].items() if name.endswith("_FILE")}
        assert read == held


def test_the_dockerfile_begins_as_the_image_check_needs() -> None:
    lines = DOCKERFILE.splitlines()
    assert lines[0] == "ARG BASE=python:3.12-slim"
    assert lines[1].split()[:2] == ["FROM", "${BASE}"]
    assert lines[2] == "ARG SSL_CERT_FILE"


def test_the_image_runs_as_a_numbered_user_and_gets_signals_itself() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", instructions("USER")[-1])
    for name in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(instructions(name)[-1]), list), f"{name} would run in a shell"
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("WORKDIR")[-1] == "/data" == instructions("VOLUME")[-1]
    assert instructions("EXPOSE") == [str(PORT)]


def test_the_image_sets_nothing_that_would_win_over_a_mounted_settings_file() -> None:
    assert not [line for line in instructions("ENV") if "REMEDIATOR_" in line]


def test_everything_installed_in_the_image_is_locked_by_hash() -> None:
    installs = [
        step
        for line in instructions("RUN")
        for step in line.split("&&")
        if " install " in step and "pip" in step
    ]
    assert len(installs) == 3
    for step in installs:
        assert "--require-hashes" in step or "--no-index" in step
        # Nothing beside the lock: some pips look for newer releases, which have no hash.
        assert "--no-deps" in step


def test_the_image_takes_all_of_the_builder_from_the_lock() -> None:
    found = re.search(r"\^\(([a-z|-]+)\)==", DOCKERFILE)
    assert found
    taken = set(found[1].split("|"))
    needed = {"hatchling"} | {
        requirement.name
        for requirement in map(Requirement, requires("hatchling") or [])
        if requirement.marker is None or requirement.marker.evaluate({"python_version": "3.12"})
    }
    assert taken == needed
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
    assert taken <= locked


def test_what_the_image_leaves_out_of_libraries_is_never_asked_for() -> None:
    for path in (*(ROOT / "remediator").rglob("*.py"), *(ROOT / "fixers").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"phonenumbers(\.| import .*)(geocoder|carrier)|LOCALES_DIR|pycountry\.locales", text
        ), path


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("name", ["remediator", "postgres"])
def test_compose_confines_each_service(name: str) -> None:
    service = services()[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service.get("privileged") is None
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"mem_limit", "cpus", "pids_limit", "restart", "stop_grace_period"} <= set(service)


def test_compose_offers_the_metrics_to_this_machine_only_and_the_store_to_no_one() -> None:
    assert services()["remediator"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert "ports" not in services()["postgres"]
    assert documents(DEPLOY / "compose.yaml")[0]["networks"]["store"] == {"internal": True}


def test_every_image_is_named_with_a_version() -> None:
    images = [service["image"] for service in services().values()]
    images += [container["image"] for pod in pods() for container in pod["containers"]]
    for image in images:
        assert re.fullmatch(r"[a-z./]+:\d[\w.-]*", image), image


def test_every_pod_is_confined() -> None:
    assert len(pods()) == 2
    for pod in pods():
        assert pod["serviceAccountName"] == "remediator"
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == instructions("USER")[-1]
        assert context["fsGroup"] == context["runAsGroup"], "else the secret's files cannot be read"
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])


def test_every_mount_of_a_pod_has_its_volume_and_each_file_its_mount() -> None:
    for pod in pods():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            assert {mount["name"] for mount in mounts.values()} == set(volumes)
            for variable in container["env"]:
                assert "valueFrom" not in variable
                if variable["value"].startswith("/"):
                    path = Path(variable["value"])
                    mount = next(mounts[str(at)] for at in (path, path.parent) if str(at) in mounts)
                    assert mount.get("readOnly") is (None if mount["mountPath"] == "/data" else True)
        assert volumes["secrets"]["secret"]["defaultMode"] == 0o440
        assert (
            volumes["data"]["persistentVolumeClaim"]["claimName"]
            == kubernetes("PersistentVolumeClaim")[0]["metadata"]["name"]
        )
        assert volumes["config"]["configMap"]["name"] == kubernetes("ConfigMap")[0]["metadata"]["name"]


def test_the_service_account_carries_no_token() -> None:
    (account,) = kubernetes("ServiceAccount")
    assert account["automountServiceAccountToken"] is False


def test_the_cron_job_never_overlaps_and_always_ends() -> None:
    (job,) = kubernetes("CronJob")
    spec = job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] >= 60
    assert 0 < spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 3600
    assert spec["jobTemplate"]["spec"]["backoffLimit"] <= 3
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert {"successfulJobsHistoryLimit", "failedJobsHistoryLimit", "timeZone"} <= set(spec)


def test_the_cron_job_repeats_an_outage_but_not_what_a_person_must_look_at() -> None:
    rules = kubernetes("CronJob")[0]["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    stops = next(rule["onExitCodes"]["values"] for rule in rules if rule["action"] == "FailJob")
    assert stops == [1, 2, 3]


def test_the_deployment_replaces_its_only_pod_before_a_new_one_starts() -> None:
    (deployment,) = kubernetes("Deployment")
    spec = deployment["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    (service,) = kubernetes("Service")
    assert service["spec"]["selector"] == spec["template"]["metadata"]["labels"]


def test_the_probes_ask_the_daemon_where_it_listens() -> None:
    (container,) = kubernetes("Deployment")[0]["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "metrics", "containerPort": PORT}]
    listen = next(v["value"] for v in container["env"] if v["name"] == "REMEDIATOR_DAEMON_LISTEN")
    assert listen == f"0.0.0.0:{PORT}" == services()["remediator"]["environment"]["REMEDIATOR_DAEMON_LISTEN"]
    paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert paths["startup"] == paths["liveness"] == {"path": "/healthz", "port": "metrics"}
    assert paths["readiness"] == {"path": "/readyz", "port": "metrics"}


def test_every_form_waits_longer_than_a_drain_and_than_marketo_may_take_to_answer() -> None:
    longest = max(MarketoSettings().timeout_s, DaemonSettings().drain_s)
    unit = (DEPLOY / "systemd/remediator.service").read_text(encoding="utf-8")
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(stop) > longest
    assert all(pod["terminationGracePeriodSeconds"] > longest for pod in pods())
    assert services()["remediator"]["stop_grace_period"] == "2m"


def test_the_settings_file_in_the_config_map_is_valid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "remediator.yaml"
    file.write_text(kubernetes("ConfigMap")[0]["data"]["remediator.yaml"], encoding="utf-8")
    assert load_settings(file).settings.marketo.base_url == "https://123-ABC-456.mktorest.com"


def expressions() -> list[str]:
    rules = documents(DEPLOY / "prometheus/remediator.rules.yaml")[0]["groups"][0]["rules"]
    shown = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return shown + [rule["expr"] for rule in rules]


def test_dashboard_and_alerts_ask_for_metrics_that_exist_and_for_all_of_them(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        families = list(StoreMetrics(store, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)).collect())
    kinds = {family.name: family.type for family in families}
    endings = {"counter": ("_total",), "summary": ("_sum", "_count"), "gauge": ("",)}
    exist = {name + ending for name, kind in kinds.items() for ending in endings[kind]}
    asked = set(re.findall(r"\bremediator_\w+", " ".join(expressions())))
    assert asked <= exist
    assert {name for name in kinds if not any(word.startswith(name) for word in asked)} == set()


def test_every_panel_has_a_place_of_its_own_and_says_what_it_shows() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["description"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_dashboard_is_tied_to_no_data_source_and_can_be_provisioned() -> None:
    shown = dashboard()
    assert not {"id", "__inputs"} & set(shown)
    names = {variable["name"] for variable in shown["templating"]["list"]}
    assert names == {"datasource", "instance"}
    for panel in shown["panels"]:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    (provider,) = documents(DEPLOY / "grafana/provisioning/dashboards.yaml")[0]["providers"]
    assert provider["options"]["path"].startswith("/")


def test_every_alert_says_how_bad_it_is_what_happened_and_what_to_do() -> None:
    rules = documents(DEPLOY / "prometheus/remediator.rules.yaml")[0]["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_the_crontab_names_each_path_in_full_and_uses_no_lock_of_its_own() -> None:
    text = (DEPLOY / "cron/remediator.crontab").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("*")]
    assert "run --once" in line
    assert "flock" not in line
    assert "%" not in line, "cron reads % as the end of the command"
    settings = [line for line in text.splitlines() if line.startswith("REMEDIATOR_")]
    assert all("/" in line.split("=", 1)[1] for line in settings)
