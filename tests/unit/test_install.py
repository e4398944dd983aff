"""Prozvon's part in somebody else's configuration: what is written, what forbids it, the undo."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.asterisk import install_files
from dialer.asterisk.conf import (
    BROWSER_MODULES,
    TLS_MODULES,
    PbxConf,
    TlsConf,
    TrunkConf,
    required_modules,
)
from dialer.asterisk.foreign import ForeignConf
from dialer.asterisk.install import (
    FOLDER,
    TOUCHED,
    InstallError,
    block,
    foreign_runtime,
    pick,
    plan,
    with_block,
    without_block,
)
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.server import InstanceLayout


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A small office: everything that Prozvon asks for is on."""
    folder = tmp_path / "etc"
    folder.mkdir()
    for name, text in {
        "asterisk.conf": f"[directories]\nastmoddir => {tmp_path}/modules ; here\n",
        "manager.conf": "[general]\nenabled = yes\nport = 5038\n#include manager.d/*.conf\n",
        "http.conf": "[general]\nenabled=yes\nbindport=8088",
        "extensions.conf": "[office]\nexten => 1,1,NoOp()\n",
        "pjsip.conf": "[office](!)\ntype=endpoint\n[wire](!)\ntype = transport\nprotocol = udp\n"
        "[office-udp](wire)\nbind = 0.0.0.0:5060\n",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def conf(tmp_path: Path) -> PbxConf:
    modules = tmp_path / "modules"
    modules.mkdir()
    runtime = AsteriskRuntime("path", "22.5.0", ("asterisk",), modules, modules, modules, None)
    for name in (*required_modules(runtime), *TLS_MODULES, *BROWSER_MODULES):
        (modules / f"{name}.so").touch()
    return PbxConf(
        layout=InstanceLayout("office", tmp_path), runtime=runtime, sip_port=5060, ami_port=5038,
        http_port=8088, rtp_first=10000, rtp_last=20000, ami_secret="ami-secret",
        ari_secret="ari-secret", agi_host="127.0.0.1", agi_port=4573,
        recordings_dir=tmp_path / "recordings", trunks=(TrunkConf("moscow", "192.0.2.1"),),
    )  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def found(conf: PbxConf, etc: Path) -> list[str]:
    return [problem.id for problem in plan(conf, etc).problems]


@given(st.binary(), st.binary(), st.sampled_from(TOUCHED))
def test_the_block_comes_out_byte_for_byte(text: bytes, later: bytes, file: str) -> None:
    ours = with_block(text, file)
    assert ours.startswith(text)
    assert with_block(ours, file) == ours
    assert without_block(ours, file) == text
    assert without_block(ours + later, file) == text + later


def test_apply_twice_and_remove(conf: PbxConf, etc: Path) -> None:
    before = files(etc)
    (etc / "pjsip.conf").chmod(0o600)
    first = install_files.apply(plan(conf, etc), etc)
    assert etc / "pjsip.conf" in first
    assert plan(conf, etc).installed
    assert install_files.apply(plan(conf, etc), etc) == []
    assert (etc / "pjsip.conf").stat().st_mode & 0o777 == 0o600
    assert (etc / FOLDER / "manager.conf").stat().st_mode & 0o777 == 0o640
    assert (etc / FOLDER / "backup/pjsip.conf").read_bytes() == before["pjsip.conf"]
    written = (etc / FOLDER / "pjsip.conf").read_text()
    assert "[trunk-moscow]" in written
    assert "transport = " not in written
    assert "[global]" not in written
    assert "[prozvon_room]" in (etc / FOLDER / "confbridge.conf").read_text()
    # Other settings: only ours are written again.
    other = replace(conf, trunks=())
    assert install_files.apply(plan(other, etc), etc) == [etc / FOLDER / "pjsip.conf"]
    install_files.remove(etc)
    assert files(etc) == before
    assert install_files.remove(etc) == []


def test_what_they_wrote_behind_the_block_stays(conf: PbxConf, etc: Path) -> None:
    before = (etc / "extensions.conf").read_bytes()
    install_files.apply(plan(conf, etc), etc)
    with (etc / "extensions.conf").open("ab") as file:
        file.write(b"[later]\n")
    assert plan(conf, etc).installed
    install_files.remove(etc)
    assert (etc / "extensions.conf").read_bytes() == before + b"[later]\n"


def test_a_link_stays_a_link(conf: PbxConf, etc: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.conf"
    (etc / "pjsip.conf").rename(real)
    (etc / "pjsip.conf").symlink_to(real)
    text = real.read_bytes()
    install_files.apply(plan(conf, etc), etc)
    assert real.read_bytes() == with_block(text, "pjsip.conf")
    install_files.remove(etc)
    assert (etc / "pjsip.conf").is_symlink()
    assert real.read_bytes() == text


def append(file: str, text: str) -> Callable[[PbxConf, Path], PbxConf]:
    def change(conf: PbxConf, etc: Path) -> PbxConf:
        path = etc / file
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + text)
        return conf

    return change


def of_version(version: str) -> Callable[[PbxConf, Path], PbxConf]:
    return lambda conf, etc: replace(conf, runtime=replace(conf.runtime, version=version))


def no_module(conf: PbxConf, etc: Path) -> PbxConf:
    (conf.runtime.module_dir / "res_agi.so").unlink()
    return conf


Changed = Callable[[PbxConf, Path], PbxConf]


def with_tls(change: Changed = lambda conf, etc: conf) -> Changed:
    """Phones by TLS and browsers by wss, at the default ports."""

    def changed(conf: PbxConf, etc: Path) -> PbxConf:
        certificate, key = etc.parent / "c.pem", etc.parent / "k.pem"
        certificate.write_text("a certificate\n")
        key.write_text("its key\n")
        tls = TlsConf(certificate, key, 15061, 18089)
        return change(replace(conf, tls=tls, browser=True), etc)

    return changed


def https(address: str) -> Changed:
    return append("http.conf", f"\ntlsenable = yes\ntlsbindaddr = {address}\n")


def both(one: Changed, other: Changed) -> Changed:
    return lambda conf, etc: other(one(conf, etc), etc)


def of_another_machine(agi_host: str) -> Changed:
    return lambda conf, etc: replace(conf, control_permit=("192.0.2.9/32",), agi_host=agi_host)


def over(protocol: Any) -> Changed:
    trunks = (TrunkConf("moscow", "192.0.2.1", transport=protocol),)
    return lambda conf, etc: replace(conf, trunks=trunks)


@pytest.mark.parametrize(
    ("change", "id"),
    [
        (with_tls(), "https_off"),
        (with_tls(https("0.0.0.0:8089")), "wrong_port"),
        (
            both(
                with_tls(https("0.0.0.0:18089")),
                append(
                    "pjsip.conf", "[secure]\ntype=transport\nprotocol=tls\nbind=0.0.0.0:15061\n"
                ),
            ),
            "port_taken",
        ),
        (over("tcp"), "no_transport"),
        (of_another_machine("127.0.0.1"), "agi_elsewhere"),
        (
            both(append("manager.conf", "bindaddr = 127.0.0.1\n"), of_another_machine("192.0.2.9")),
            "closed_to_others",
        ),
        (append("modules.conf", "[modules]\nautoload=no\nload=res_agi.so\n"), "not_loaded"),
        (append("modules.conf", "[modules]\nautoload=yes\nnoload => app_mixmonitor.so"), "noload"),
        (no_module, "missing_modules"),
        (of_version("18.9.0"), "wrong_version"),
        (of_version("24.0.0"), "wrong_version"),
        (append("pjsip.conf", "[trunk-moscow]\ntype=endpoint\n"), "name_taken"),
        (append("pjsip.conf", "[op-anna]\ntype=endpoint\n"), "name_taken"),
        (append("extensions.conf", "[prozvon-answered]\n"), "name_taken"),
        (append("manager.d/x.conf", "[prozvon]\nsecret=x\n"), "name_taken"),
        (append("ari.conf", "[prozvon]\ntype=user\n"), "name_taken"),
        (append("prozvon/theirs", "x"), "foreign_folder"),
        (append("manager.conf", "[general](+)\nenabled = no\n"), "ami_off"),
        (append("http.conf", "\n[general](+)\nenabled = no\n"), "http_off"),
        (append("ari.conf", "[general]\nenabled = no\n"), "ari_off"),
        (append("manager.conf", "[general](+)\nport = 5039\n"), "wrong_port"),
        (append("http.conf", "\nbindport = 8089\n"), "wrong_port"),
        (append("cel.conf", "[general]\ndateformat = %F\n"), "cel_dateformat"),
        (append("cel.conf", block("cel.conf").replace("#tryinclude", "#include")), "broken_block"),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_written(
    conf: PbxConf, etc: Path, change: Callable[[PbxConf, Path], PbxConf], id: str
) -> None:
    assert found(conf, etc) == []
    changed = change(conf, etc)
    before = files(etc)
    assert found(changed, etc) == [id]
    with pytest.raises(InstallError) as refused:
        install_files.apply(plan(changed, etc), etc)
    assert refused.value.id == "problems"
    assert files(etc) == before


def test_what_cannot_be_written_changes_nothing(
    conf: PbxConf, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the last file (as root no mode keeps us out)."""
    before, real = files(etc), install_files._write

    def full(path: Path, text: bytes, like: Path) -> None:
        if path.name == "sorcery.conf" and path.parent == etc:
            raise OSError(28, os.strerror(28), str(path))
        real(path, text, like)

    made = plan(conf, etc)
    monkeypatch.setattr(install_files, "_write", full)
    with pytest.raises(InstallError, match="nothing was changed") as refused:
        install_files.apply(made, etc)
    assert refused.value.id == "not_writable"
    assert files(etc) == before


def test_transports_for_encryption_are_added_beside_theirs(conf: PbxConf, etc: Path) -> None:
    """Given phones by TLS and browsers, when it is applied, then there are transports of our own
    names and ports and a copy of the certificate; a websocket transport of theirs is enough."""
    changed = with_tls(https("0.0.0.0:18089"))(over("tls")(conf, etc), etc)
    before = files(etc)
    install_files.apply(plan(changed, etc), etc)
    text = (etc / FOLDER / "pjsip.conf").read_text()
    names = re.findall(r"(?m)^\[([^]]+)\]", text)
    assert {"prozvon-tls", "prozvon-ws", "prozvon-trunk-tls"} <= set(names)
    assert not [name for name in names if name.startswith("transport-")]
    assert f"cert_file = {etc}/{FOLDER}/certificate.pem" in text
    assert (etc / FOLDER / "key.pem").read_text() == "its key\n"
    assert (etc / FOLDER / "key.pem").stat().st_mode & 0o007 == 0
    install_files.remove(etc)
    assert files(etc) == before
    append("pjsip.conf", "[their-wss]\ntype=transport\nprotocol=wss\nbind=0.0.0.0\n")(conf, etc)
    install_files.apply(plan(changed, etc), etc)
    assert "prozvon-ws" not in (etc / FOLDER / "pjsip.conf").read_text()


def test_only_the_controllers_networks_may_log_in(conf: PbxConf, etc: Path) -> None:
    append("manager.conf", "bindaddr = 192.0.2.1\n")(conf, etc)
    changed = of_another_machine("192.0.2.9")(conf, etc)
    install_files.apply(plan(changed, etc), etc)
    for file in ("manager.conf", "acl.conf"):
        rules = re.findall(r"(?m)^(deny|permit) = (.*)$", (etc / FOLDER / file).read_text())
        assert rules == [("deny", "0.0.0.0/0.0.0.0"), ("deny", "::/0"), ("permit", "192.0.2.9/32")]


def test_a_folder_of_others_is_not_removed(etc: Path) -> None:
    (etc / FOLDER).mkdir()
    with pytest.raises(InstallError, match="not ours"):
        install_files.remove(etc)


def test_no_asterisk_is_said(tmp_path: Path, etc: Path) -> None:
    for folder, command in ((tmp_path / "none", "true"), (etc, "/no/such"), (etc, "true")):
        with pytest.raises(InstallError) as refused:
            foreign_runtime(folder, command)
        assert refused.value.id == "no_asterisk"


def test_their_mappings_of_phones_stay_first(conf: PbxConf, etc: Path) -> None:
    (etc / "sorcery.conf").write_text(
        "[res_pjsip]\nendpoint/cache = memory_cache\naor=realtime,a\n"
    )
    own = {change.path.name: change.after.decode() for change in plan(conf, etc).own}
    assert own["sorcery.conf"].splitlines()[1:] == [
        "[res_pjsip](+)",
        "endpoint = config,pjsip.conf,criteria=type=endpoint",
        "endpoint = astdb,ps_endpoints",
        "auth = config,pjsip.conf,criteria=type=auth",
        "auth = astdb,ps_auths",
        "aor = astdb,ps_aors",
    ]


def test_secrets_are_not_shown(conf: PbxConf, etc: Path) -> None:
    text = "".join(change.diff() for change in plan(conf, etc).changes)
    assert "[prozvon-answered]" in text
    assert "ami-secret" not in text
    assert "ari-secret" not in text


def test_their_files_are_read_as_asterisk_does(etc: Path) -> None:
    (etc / "a.conf").write_text(
        ";-- [no]\nx=1 --;\n[one](base,+) ; comment\nKey => a\\;b ; c\n#tryinclude b.conf\n"
        '#include "none.conf"\nkey = last\n'
    )
    (etc / "b.conf").write_text("[two]\ny=2\n")
    (etc / "c.conf").write_text("[loop]\n#include c.conf\n")
    conf = ForeignConf(etc, etc / FOLDER)
    assert [s.name for s in conf.sections("a.conf")][:2] == ["one", "two"]
    assert conf.sections("a.conf")[0].marks == ("base", "+")
    assert conf.value("a.conf", "one", "key") == "a\\;b"
    assert conf.value("a.conf", "two", "key") == "last"
    assert {section.name for section in conf.sections("c.conf")} == {"loop"}
    assert conf.value("none.conf", "one", "key") is None


def test_sections_are_picked_as_they_stand() -> None:
    text = "; top\n[a]\nx=1\n; b's\n[b](!)\ny=2\n[c]\nz=3\n"
    assert pick(text, lambda name: name in "bc") == "[b](!)\ny=2\n[c]\nz=3\n"
