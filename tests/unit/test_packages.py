"""Finding an Asterisk: on the PATH, in the cache, and what is said where neither can work."""

import shutil
import time
from pathlib import Path

import pytest

from dialer.asterisk import packages
from dialer.asterisk.packages import AsteriskRuntime, PackagesError, find_or_fetch

PROJECT = Path(__file__).parents[2]
CACHE = PROJECT / ".cache/asterisk"


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_or_fetch(CACHE, silent)


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.17.60671434-1", "22.10.1"),
        ("Asterisk 20.5.0", "20.5.0"),
        ("Asterisk certified/20.7-cert2", "20.7"),
        ("Asterisk certified-20.7-cert2", "20.7"),
        ("Asterisk GIT-master-1234", None),
        ("", None),
    ],
)
def test_version_is_read_from_what_asterisk_says(text: str, version: str | None) -> None:
    assert packages.parse_version(text) == version


def test_the_runtime_has_all_that_is_needed(runtime: AsteriskRuntime) -> None:
    assert int(runtime.version.split(".")[0]) in packages.SUPPORTED_MAJORS
    assert (runtime.module_dir / "chan_pjsip.so").exists()
    assert runtime.has_prompt("beep")
    assert runtime.has_prompt("digits/1")
    assert not runtime.has_prompt("no-such-prompt")


def test_a_second_call_takes_milliseconds(runtime: AsteriskRuntime) -> None:
    started = time.monotonic()
    assert find_or_fetch(CACHE, silent) == runtime
    assert time.monotonic() - started < 0.5


def test_an_asterisk_on_the_path_is_used(bin_dir: Path, runtime: AsteriskRuntime) -> None:
    prefix = bin_dir.parent
    script(bin_dir / "asterisk", f'exec {" ".join(runtime.command)} "$@"')
    (prefix / "lib/asterisk").mkdir(parents=True)
    (prefix / "lib/asterisk/modules").symlink_to(runtime.module_dir)
    (prefix / "share").mkdir()
    (prefix / "share/asterisk").symlink_to(runtime.data_dir)

    found = find_or_fetch(prefix / "unused-cache", silent)
    assert found.source == "path"
    assert found.version == runtime.version
    assert found.command == (str(bin_dir / "asterisk"),)
    assert not (prefix / "unused-cache").exists()


def test_an_old_asterisk_on_the_path_is_named_and_not_used(bin_dir: Path) -> None:
    script(bin_dir / "asterisk", "echo Asterisk 16.28.0")
    said: list[str] = []
    assert packages.find_on_path(said.append) is None
    assert "version 16.28.0 is not supported" in said[0]


def test_a_host_without_apt_is_told_what_to_do(bin_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match=r"`apt-get` is missing.*install Asterisk 20 to 23"):
        find_or_fetch(tmp_path / "cache", silent)


def test_a_missing_keyring_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "KEYRINGS", (tmp_path / "absent.gpg",))
    monkeypatch.setattr(packages, "find_on_path", lambda progress: None)
    with pytest.raises(PackagesError, match="apt-get install debian-archive-keyring"):
        find_or_fetch(tmp_path / "cache", silent)


def test_an_unknown_processor_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MACHINES", {"other": "other"})
    with pytest.raises(PackagesError, match=r"this processor \(\w+\)"):
        packages.write_apt_config(tmp_path, Path("/keyring"), packages.DEFAULT_MIRROR)


def test_too_little_disk_is_said_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "NEEDED_BYTES", 2**60)
    monkeypatch.setattr(packages, "find_on_path", lambda progress: None)
    with pytest.raises(PackagesError, match="Free some disk space"):
        find_or_fetch(tmp_path / "cache", silent)


def test_an_unreachable_mirror_shows_what_apt_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_on_path", lambda progress: None)
    text = packages.APT_CONFIG.replace('Acquire::Retries "3"', 'Acquire::Retries "0"')
    monkeypatch.setattr(packages, "APT_CONFIG", text)
    with pytest.raises(PackagesError, match=r"(?s)reaches the Debian mirror.*127\.0\.0\.1"):
        find_or_fetch(tmp_path / "cache", silent, mirror="http://127.0.0.1:9/debian")
    assert not (tmp_path / "cache/root").exists()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("E: Release file for http://x/InRelease is expired", "clock"),
        ("E: Write error - write (28: No space left on device)", "disk is full"),
        ("E: Could not resolve 'x'", "PROZVON_ASTERISK_MIRROR"),
    ],
)
def test_the_advice_fits_what_apt_said(said: str, advice: str) -> None:
    message = packages._apt_failure(["update"], said)
    assert advice in message
    assert said in message


@pytest.mark.parametrize(
    "mirror", ["", "not an address", 'http://x"; Dir "/', "http://x\ndeb http://y"]
)
def test_a_mirror_cannot_smuggle_settings_into_apt(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(PackagesError, match="not the address"):
        packages.write_apt_config(tmp_path, Path("/keyring"), mirror)


def test_a_half_unpacked_tree_is_not_used(runtime: AsteriskRuntime, tmp_path: Path) -> None:
    (tmp_path / "root/usr/sbin").mkdir(parents=True)
    assert packages.find_in_cache(tmp_path) is None


def test_a_cache_of_an_older_recipe_is_built_again(
    runtime: AsteriskRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runtime.source == "packages":
        assert packages.find_in_cache(CACHE) is not None
    monkeypatch.setattr(packages, "RECIPE", packages.RECIPE + 1)
    assert packages.find_in_cache(CACHE) is None


def test_a_damaged_package_is_removed_and_named(tmp_path: Path) -> None:
    assert shutil.which("dpkg-deb")
    broken = tmp_path / "broken.deb"
    broken.write_bytes(b"not a package")
    with pytest.raises(PackagesError, match=r"broken\.deb could not be unpacked"):
        packages._unpack_one(broken, tmp_path / "root")
    assert not broken.exists()


def test_copies_cannot_raise_privileges(tmp_path: Path) -> None:
    program = tmp_path / "passwd"
    program.touch()
    program.chmod(0o4755)
    (tmp_path / "link").symlink_to("absent")
    packages._drop_set_id_bits(tmp_path)
    assert program.stat().st_mode & 0o7777 == 0o755


def test_the_english_prompts_get_their_link(tmp_path: Path) -> None:
    (tmp_path / "en_US_f_Allison").mkdir()
    (tmp_path / "en_US_f_Allison/beep.gsm").touch()
    (tmp_path / "en").symlink_to("/etc/alternatives/absent")
    packages._link_english_prompts(tmp_path)
    assert (tmp_path / "en").readlink() == Path("en_US_f_Allison")


def test_no_english_prompts_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match="no English prompts"):
        packages._link_english_prompts(tmp_path)
