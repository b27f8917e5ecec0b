from __future__ import annotations

from pathlib import Path

import pytest

from remediator.cli.template import settings_template
from remediator.errors import ConfigError
from remediator.settings import load_settings

FILE = Path("remediator.yaml")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings()
    return str(caught.value)


def test_a_flag_wins_over_the_environment_which_wins_over_the_file_which_wins_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connection(flag: str | None = None) -> tuple[str, str | None]:
        loaded = load_settings(connection=flag)
        return loaded.settings.connection, loaded.origins.get("connection")

    assert connection() == ("main", None)
    FILE.write_text("connection: from-file\n")
    assert connection() == ("from-file", "file")
    monkeypatch.setenv("REMEDIATOR_CONNECTION", "from-env")
    assert connection() == ("from-env", "environment")
    assert connection("from-flag") == ("from-flag", "flag")


def test_a_section_may_come_half_from_the_file_and_half_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FILE.write_text("marketo:\n  url: https://file.example\n  rate_share: 0.3\n")
    monkeypatch.setenv("REMEDIATOR_MARKETO_RATE_SHARE", "0.7")
    loaded = load_settings()
    assert (loaded.settings.marketo.url, loaded.settings.marketo.rate_share) == ("https://file.example", 0.7)
    assert loaded.origins == {"marketo.url": "file", "marketo.rate_share": "environment"}


def test_a_secret_comes_from_a_mounted_file_without_its_line_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    secret = load_settings().settings.marketo.client_secret
    assert secret is not None
    assert secret.get_secret_value() == "hush"


def test_a_secret_file_that_is_missing_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_SECRET_FILE", "/nowhere/secret")
    assert refusal() == (
        "REMEDIATOR_MARKETO_CLIENT_SECRET_FILE: cannot read /nowhere/secret: No such file or directory"
    )


def test_a_variable_and_its_file_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_ID", "a")
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_ID_FILE", "b")
    assert "both set" in refusal()


def test_a_secret_in_the_settings_file_is_refused_and_not_repeated() -> None:
    FILE.write_text("marketo:\n  client_secret: hush-hush\n")
    message = refusal()
    assert "REMEDIATOR_MARKETO_CLIENT_SECRET" in message
    assert "hush-hush" not in message


def test_a_secret_is_printed_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_MARKETO_CLIENT_SECRET", "hush-hush")
    settings = load_settings().settings
    assert "hush-hush" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text("marketo:\n  url: https://file.example\n")
    monkeypatch.setenv("REMEDIATOR_MARKETO_URL", "")
    loaded = load_settings()
    assert loaded.settings.marketo.url == "https://file.example"
    assert loaded.origins == {"marketo.url": "file"}


def test_unknown_names_are_told_with_their_line_and_the_nearest_known_one() -> None:
    FILE.write_text("stoer: x\nmarketo:\n  rate_shrae: 0.1\n")
    assert refusal().splitlines() == [
        "remediator.yaml, line 3: unknown setting 'marketo.rate_shrae'; did you mean 'rate_share'?",
        "remediator.yaml, line 1: unknown setting 'stoer'; did you mean 'store'?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("marketo:\n  rate_share: 7\n", "line 2: marketo.rate_share: must be less than or equal to 1, not 7"),
        ("verify: 3\n", "line 1: verify: expected 'name: value' lines indented below it, not 3"),
        ("rules: mine\n", "line 1: rules: expected a list, one '- value' a line, not 'mine'"),
        ("connection: A B\n", "line 1: connection: must fit the pattern"),
        ("sync_errors:\n  timezone: Mars\n", "line 2: sync_errors.timezone: unknown time zone 'Mars'"),
        (
            "salesforce:\n  url: x.my.salesforce.com\n",
            "line 2: salesforce.url: expected an address that begins",
        ),
        ("marketo:\n  url: https:/x\n", "line 2: marketo.url: expected an address that begins with https://"),
        ("- a\n", "expected settings as 'name: value' lines, found a list"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_value_is_told_with_file_line_name_and_what_was_expected(text: str, told: str) -> None:
    FILE.write_text(text)
    message = refusal()
    assert message.startswith("remediator.yaml")
    assert told in message


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("REMEDIATOR_MARKETO_RATE_SHARE", "half", "must be a valid number, not 'half'"),
        ("REMEDIATOR_MARKETO_CLINT_ID", "x", "did you mean 'client_id'?"),
        ("REMEDIATOR_STOER", "x", "did you mean 'REMEDIATOR_STORE'?"),
        ("REMEDIATOR_RULES", "/a/folder", "written as JSON"),
        ("REMEDIATOR_MARKETO", "hush-hush", "written as JSON"),
    ],
)
def test_a_wrong_variable_is_named_and_said_how_to_put_right(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    message = refusal()
    assert message.startswith(name)
    assert told in message
    assert "hush-hush" not in message


def test_variables_that_kubernetes_adds_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("REMEDIATOR_PORT_80_TCP", "tcp://10.0.0.1:80")
    assert load_settings().origins == {}


def test_a_settings_file_that_is_named_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEDIATOR_CONFIG", "nowhere.yaml")
    assert "remediator init" in refusal()


def test_a_settings_file_may_be_empty() -> None:
    FILE.write_text("")
    assert load_settings().file == FILE


def test_the_template_is_valid_as_it_stands() -> None:
    FILE.write_text(settings_template())
    assert load_settings().settings.marketo.munchkin_id == "123-ABC-456"


def test_every_commented_line_of_the_template_is_valid_once_uncommented() -> None:
    template = settings_template().splitlines()
    commented = [at for at, line in enumerate(template) if _is_setting(line)]
    assert len(commented) > 25
    for at in commented:
        _load(template, {at})
    _load(template, set(commented))


def _is_setting(line: str) -> bool:
    name, colon, _ = line.strip().removeprefix("# ").partition(": ")
    return line.strip().startswith("# ") and bool(colon) and name.isidentifier() and name != "secret"


def _load(template: list[str], uncommented: set[int]) -> None:
    lines = [line.replace("# ", "", 1) if at in uncommented else line for at, line in enumerate(template)]
    FILE.write_text("\n".join(lines))
    origins = load_settings().origins
    for at in uncommented:
        name = lines[at].strip().partition(":")[0]
        assert any(known.split(".")[-1] == name for known in origins) or lines[at].endswith("{}"), lines[at]
