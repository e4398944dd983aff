"""Settings from file and environment; every mistake names its key."""

import re
import stat
from pathlib import Path

import pytest

from dialer.config import ConfigError, kept_secret, load
from dialer.node import sip_server


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the developer's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROZVON_CONFIG", raising=False)


def a_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return file


def problem(path: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_there_is_a_default_for_everything() -> None:
    settings = load()
    assert settings.floor.answer_limit_s == 2.0
    assert settings.trunks == ()
    assert settings.recordings_dir == settings.data_dir / "recordings"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_file(tmp_path, "[http]\nport = 9001\nhost = '127.0.0.2'\n[log]\nlevel = 'debug'\n")
    monkeypatch.setenv("PROZVON_HTTP__PORT", "9002")
    settings = load(file)
    assert (settings.http.port, settings.http.host) == (9002, "127.0.0.2")
    assert settings.log.level == "debug"


def test_the_file_in_the_working_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "prozvon.toml").write_text("[floor]\nname = 'night'\n")
    assert load().floor.name == "night"


def test_a_file_that_was_asked_for_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "none.toml: cannot be read" in problem(tmp_path / "none.toml")
    monkeypatch.setenv("PROZVON_CONFIG", str(tmp_path / "other.toml"))
    assert "other.toml: cannot be read" in problem()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[http]\nprot = 1\n", "http.prot: unknown key"),
        ("colour = 'red'\n", "colour: unknown key"),
        ("[http]\nport = 0\n", "http.port: "),
        ("[http]\nport = 'many'\n", "PROZVON_HTTP__PORT"),
        ("[asterisk]\nnode = 'No Name'\n", "asterisk.node: "),
        ("[floor]\nphone_region = 'Russia'\n", "floor.phone_region: "),
        ("[[trunks]]\nname = 'a'\nhost = 'h'\nlines = 0\n", "trunks.0.lines: "),
        ("[log]\nformat = 'xml'\n", "log.format: "),
        ("[http\n", "not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(a_file(tmp_path, text))


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    said = problem(a_file(tmp_path, "[http]\nport = 0\n[agi]\nport = 0\n"))
    assert "http.port" in said and "agi.port" in said


def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROZVON_HTPP__PORT", "1")
    assert "PROZVON_HTPP__PORT: unknown environment variable" in problem()


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROZVON_AGI__PORT", "x")
    assert "agi.port" in problem()


def test_a_secret_may_come_from_a_file_and_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    settings = load(a_file(tmp_path, f"[asterisk]\nami_secret_file = '{tmp_path}/secret'\n"))
    assert settings.asterisk.ami_secret is not None
    assert settings.asterisk.ami_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)
    file = a_file(tmp_path, f"[asterisk]\nami_secret_file = '{tmp_path}/none'\n")
    assert "ami_secret_file: cannot read" in problem(file)


def test_a_bad_secret_is_not_quoted(tmp_path: Path) -> None:
    file = a_file(tmp_path, "[[trunks]]\nname = 'a'\nhost = 'h'\npassword = ['s3cret']\n")
    said = problem(file)
    assert "trunks.0.password" in said and "s3cret" not in said


def test_secrets_nobody_gave_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "data", "ami")
    assert len(first) == 32
    assert kept_secret(tmp_path / "data", "ami") == first
    assert kept_secret(tmp_path / "data", "ari") != first
    mode = (tmp_path / "data/secrets/ami").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[floor]\ntime_zone = 'Mars/Base'", "floor.time_zone: .*Mars/Base"),
        ("[floor]\nphone_region = 'ZZ'", "floor.phone_region: .*ZZ"),
        ("[asterisk]\nrtp_first = 30000\nrtp_last = 20000", "asterisk: .*rtp_first must be below"),
        ("[asterisk]\nsip_bind = 'x;y'", "asterisk.sip_bind: "),
        (
            "[[trunks]]\nname = 'a'\nhost = 'h'\n[[trunks]]\nname = 'a'\nhost = 'h'",
            "trunks: .*two trunks are named a",
        ),
        ("[[trunks]]\nname = 'a'\nhost = 'x y;[z]'", "trunks.0.host: "),
        ("data_dir = ''", "data_dir: .*give a folder"),
    ],
)
def test_values_that_could_not_work_name_their_key(tmp_path: Path, text: str, named: str) -> None:
    assert re.search(named, problem(a_file(tmp_path, text)))


@pytest.mark.parametrize(
    "url", ["u:a-secret@h/db", "postgres://u:a-secret/pw@h:x/db", "mysql://u:a-secret@h/db"]
)
def test_a_database_url_that_is_none_is_not_quoted(tmp_path: Path, url: str) -> None:
    sentence = problem(a_file(tmp_path, f"[database]\nurl = '{url}'"))
    assert "database.url: " in sentence
    assert "a-secret" not in sentence


def test_sections_of_the_environment_must_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROZVON_TRUNKS", "not-json")
    assert "trunks" in problem()


def test_phones_are_told_the_address_that_the_node_listens_on(tmp_path: Path) -> None:
    settings = load(a_file(tmp_path, "[asterisk]\nsip_bind = '192.0.2.7'\n"))
    assert sip_server(settings) == "192.0.2.7"
    anywhere = load(a_file(tmp_path, "[asterisk]\nsip_bind = '0.0.0.0'\nhost = '192.0.2.8'\n"))
    assert sip_server(anywhere) == "192.0.2.8"
