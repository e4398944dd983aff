"""Rendering of configuration: what is written, what is refused, what is missing."""

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.asterisk.conf import (
    AMI_WRITE,
    ASTERISK_CONF,
    BROWSER_MODULES,
    LANGUAGES,
    REQUIRED_PROMPTS,
    SOUNDS,
    ConfError,
    PbxConf,
    TlsConf,
    TrunkConf,
    missing_modules,
    missing_prompts,
    render_folder,
    render_pbx,
    required_modules,
)
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.server import InstanceLayout


@pytest.fixture
def conf(tmp_path: Path) -> PbxConf:
    """Settings with an installation that has every module as an empty file."""
    modules = tmp_path / "modules"
    runtime = AsteriskRuntime(
        source="path",
        version="22.10.1",
        command=("/usr/sbin/asterisk",),
        module_dir=modules,
        data_dir=tmp_path / "data",
        sounds_dir=tmp_path / "data/sounds/en",
        moh_dir=None,
    )
    modules.mkdir()
    for name in required_modules(runtime):
        (modules / f"{name}.so").touch()
    return PbxConf(
        layout=InstanceLayout("pbx", tmp_path / "pbx"),
        runtime=runtime,
        sip_port=15060,
        ami_port=15038,
        http_port=18088,
        rtp_first=20000,
        rtp_last=21999,
        ami_secret="ami-secret",
        ari_secret="ari-secret",
        agi_host="127.0.0.1",
        agi_port=14573,
        recordings_dir=tmp_path / "recordings",
        trunks=(TrunkConf("carrier", "127.0.0.1", 15160),),
    )


def rendered(conf: PbxConf, name: str) -> str:
    render_pbx(conf)
    return (conf.layout.etc / name).read_text()


def templates(folder: Path, **texts: str) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.conf.j2").write_text(text)
    return folder


# --- render_folder -----------------------------------------------------------------------------


def test_files_are_private_and_stale_ones_go(tmp_path: Path) -> None:
    out = tmp_path / "etc"
    out.mkdir()
    (out / "old.conf").write_text("left behind")
    (out / "folder").mkdir()
    source = templates(tmp_path / "in", a="x = {{ x }}\n", b="y = {{ y }}\n")

    written = render_folder(source, out, {"x": True, "y": Path("/srv/data")})

    assert written == [out / "a.conf", out / "b.conf"]
    assert (out / "a.conf").read_text() == "x = yes\n"
    assert (out / "b.conf").read_text() == "y = /srv/data\n"
    assert {path.name for path in out.iterdir()} == {"a.conf", "b.conf", "folder"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a;b", "a\n[general]", None])
def test_a_value_that_would_change_the_file_is_refused(tmp_path: Path, value: str | None) -> None:
    source = templates(tmp_path / "in", a="x = {{ x }}")
    with pytest.raises(ConfError, match=r"a\.conf\.j2"):
        render_folder(source, tmp_path / "etc", {"x": value})
    assert not (tmp_path / "etc").exists()


def test_nothing_is_replaced_when_one_template_fails(tmp_path: Path) -> None:
    source = templates(tmp_path / "in", a="x = {{ x }}", b="y = {{ unknown }}")
    render_folder(templates(tmp_path / "first", a="old"), tmp_path / "etc", {})
    with pytest.raises(ConfError, match="unknown"):
        render_folder(source, tmp_path / "etc", {"x": 1})
    assert (tmp_path / "etc/a.conf").read_text() == "old"


def test_a_folder_without_templates_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match="No templates"):
        render_folder(tmp_path, tmp_path / "etc", {})


# --- render_pbx --------------------------------------------------------------------------------


def test_every_template_becomes_a_file(conf: PbxConf) -> None:
    names = {path.name for path in render_pbx(conf)}
    assert names == {path.stem for path in (ASTERISK_CONF / "pbx").glob("*.j2")}
    assert (conf.layout.log / "cel-custom").is_dir()


def test_control_ports_listen_on_the_loopback_only(conf: PbxConf) -> None:
    for name in ("manager.conf", "http.conf"):
        assert re.findall(r"(?m)^bindaddr = (.*)$", rendered(conf, name)) == ["127.0.0.1"]
    assert "permit = 127.0.0.1/32" in rendered(conf, "manager.conf")
    assert "bind = 127.0.0.1:15060" in rendered(conf, "pjsip.conf")


def test_the_ami_user_has_neither_command_nor_system(conf: PbxConf) -> None:
    text = rendered(conf, "manager.conf")
    assert f"write = {','.join(AMI_WRITE)}\n" in text
    assert not {"command", "system", "all", "config"} & set(AMI_WRITE)
    assert "eventfilter(action(include),name(Hangup)) =" in text
    assert text.count("name(OriginateResponse),header(") == 2


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("20.18.2", False),
        ("20.19.0", True),
        ("21.12.0", False),
        ("22.8.2", False),
        ("22.9.0", True),
    ],
)
def test_ari_has_an_address_list_where_asterisk_knows_it(
    conf: PbxConf, version: str, known: bool
) -> None:
    older = replace(conf, runtime=replace(conf.runtime, version=version))
    assert ("acl = prozvon-control" in rendered(older, "ari.conf")) is known


def test_the_answer_limit_and_the_prompts_reach_the_dialplan(conf: PbxConf) -> None:
    text = rendered(replace(conf, answer_limit_s=1.5, opt_out_digit="*"), "extensions.conf")
    assert "TIMEOUT(absolute)=1.500" in text
    assert "agi://127.0.0.1:14573/answered" in text
    assert "exten => *,1,Set(DB(prozvon_opt_out/" in text
    played = set(re.findall(rf"{re.escape(str(SOUNDS))}/(?:en/)?(prozvon-[a-z-]+)", text))
    assert played | {conf.default_message} == set(REQUIRED_PROMPTS)


def test_a_trunk_with_an_account_registers_and_authenticates(conf: PbxConf) -> None:
    trunk = TrunkConf(
        "city",
        "198.51.100.7",
        transport="tcp",
        username="floor",
        password="pass",
        from_user="74950000000",
        register=True,
    )
    text = rendered(replace(conf, trunks=(trunk,)), "pjsip.conf")
    for line in (
        "[transport-tcp]",
        "outbound_auth = trunk-city",
        "from_user = 74950000000",
        "type = registration",
        "client_uri = sip:floor@198.51.100.7:5060",
        "allow = alaw,ulaw",
    ):
        assert line in text


def test_behind_nat_the_outer_address_is_told(conf: PbxConf) -> None:
    outside = replace(conf, external_address="203.0.113.5", local_networks=("10.0.0.0/8",))
    text = rendered(outside, "pjsip.conf")
    assert "external_media_address = 203.0.113.5" in text
    assert "local_net = 10.0.0.0/8" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"opt_out_digit": "99"}, "opt_out_digit"),
        ({"opt_out_digit": "s"}, "opt_out_digit"),
        ({"answer_limit_s": 0.0}, "answer_limit_s"),
        ({"agi_host": "a,b"}, "agi_host"),
        ({"recordings_dir": Path("/srv/my, recordings")}, "recordings_dir"),
        ({"sounds_dir": Path("/srv/${EXTEN}")}, "sounds_dir"),
        ({"default_message": "a&b"}, "default_message"),
        ({"default_message": "no-such-prompt"}, "no-such-prompt"),
        ({"ami_secret": "a;b"}, "semicolon"),
        ({"ami_username": "a\nread = all"}, "line feed"),
        ({"trunks": (TrunkConf("A b", "h"),)}, "Trunk name"),
        ({"trunks": (TrunkConf("a", "h"), TrunkConf("a", "i"))}, "Trunk name"),
        ({"trunks": (TrunkConf("a", "h\nx"),)}, "host"),
        ({"trunks": (TrunkConf("a", ""),)}, "host"),
        ({"trunks": (TrunkConf("a", "h", username="u"),)}, "password"),
        ({"trunks": (TrunkConf("a", "h", register=True),)}, "register"),
        ({"trunks": (TrunkConf("a", "h", username="u", password="p;q"),)}, "semicolon"),
    ],
)
def test_settings_that_asterisk_would_misread_are_refused(
    conf: PbxConf, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfError, match=message):
        render_pbx(replace(conf, **change))  # type: ignore[arg-type]


def test_a_missing_module_is_named(conf: PbxConf) -> None:
    (conf.runtime.module_dir / "app_bridgewait.so").unlink()
    (conf.runtime.module_dir / "res_websocket_client.so").unlink(missing_ok=True)
    assert missing_modules(conf.runtime) == ["app_bridgewait"]
    with pytest.raises(ConfError, match="app_bridgewait"):
        render_pbx(conf)


# --- prompts -----------------------------------------------------------------------------------


def test_every_prompt_is_there_in_every_language() -> None:
    assert missing_prompts() == []


def test_a_missing_prompt_is_named_with_its_language(tmp_path: Path) -> None:
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        for prompt in REQUIRED_PROMPTS:
            (tmp_path / language / f"{prompt}.wav").touch()
    (tmp_path / "ru/prozvon-opt-out.wav").unlink()
    assert missing_prompts(tmp_path) == ["ru/prozvon-opt-out"]
    (tmp_path / "ru/prozvon-opt-out.alaw").touch()
    assert missing_prompts(tmp_path) == []


def test_phones_by_tls_and_in_browsers_only_where_settings_say_so(conf: PbxConf) -> None:
    def text(conf: PbxConf, name: str) -> str:
        render_pbx(conf)
        return (conf.layout.etc / name).read_text()

    plain = "".join(text(conf, f"{name}.conf") for name in ("pjsip", "http", "modules", "rtp"))
    for word in ("protocol = tls", "protocol = ws", "tlsenable", "res_srtp", "icesupport = yes"):
        assert word not in plain
    with pytest.raises(ConfError, match="lacks the modules res_srtp"):
        render_pbx(replace(conf, browser=True))
    for name in BROWSER_MODULES:
        (conf.runtime.module_dir / f"{name}.so").touch()
    browsers = replace(conf, browser=True)
    assert "protocol = ws" in text(browsers, "pjsip.conf")
    assert "tlsenable" not in text(browsers, "http.conf")
    assert "codec_opus" not in text(browsers, "modules.conf")
    (conf.runtime.module_dir / "codec_opus.so").touch()
    assert "codec_opus.so" in text(browsers, "modules.conf")
    both = replace(browsers, tls=TlsConf(Path("/c.pem"), Path("/k.pem"), 15061, 18089))
    assert "tlsbindaddr = 127.0.0.1:18089" in text(both, "http.conf")
    assert "bind = 127.0.0.1:15061" in text(both, "pjsip.conf")
