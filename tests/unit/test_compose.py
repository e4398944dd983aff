"""The compose file: read as Compose reads it, without a daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dialer.config import load

FOLDER = Path(__file__).parents[2] / "packaging/compose"
MONITORING = FOLDER.parents[1] / "monitoring"
SERVICE_KEYS = {
    "image", "build", "environment", "ports", "volumes", "healthcheck", "restart", "network_mode",
    "depends_on", "stop_grace_period", "command", "profiles", "user",
}  # fmt: skip
"""Of the Compose specification, those in use."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    made = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    assert isinstance(made, dict)
    return made


def test_every_part_of_a_floor_is_there(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "services", "volumes"}
    wanted = {"postgres", "asterisk", "prozvon", "prometheus", "grafana", "install"}
    assert set(compose["services"]) == wanted


def test_services_name_only_what_is_there(compose: dict[str, Any]) -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert ("image" in service) != ("build" in service), name
        if "build" in service:
            assert service["build"]["target"] in stages
            assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
            else:
                assert source in compose["volumes"], source
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} listens to the world"


def test_no_password_has_a_default(compose: dict[str, Any]) -> None:
    text = (FOLDER / "compose.yaml").read_text()
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    assert set(re.findall(r"\$\{(\w+)", text)) == wanted
    example = (FOLDER / "env.example").read_text()
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == wanted


def test_the_settings_fit_the_services(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in compose["services"]["prozvon"]["environment"].items():
        if key != "PROZVON_CONFIG":
            monkeypatch.setenv(key, re.sub(r"\$\{[^}]+\}", "secret", value))
    settings = load(FOLDER / "prozvon.toml")
    assert not settings.asterisk.embedded
    port = settings.database.url.get_secret_value().split(":")[3].split("/")[0]  # type: ignore[union-attr]
    assert f"127.0.0.1:{port}:5432" in compose["services"]["postgres"]["ports"]
    scrape = yaml.safe_load((FOLDER / "prometheus/prometheus.yml").read_text())
    targets = scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    assert targets == [f"127.0.0.1:{settings.http.port}"]
    assert scrape["scrape_configs"][1]["static_configs"][0]["targets"] == [
        f"127.0.0.1:{settings.asterisk.http_port}"
    ]


def test_prometheus_reads_what_is_shipped_and_grafana_shows_it(compose: dict[str, Any]) -> None:
    own = yaml.safe_load((FOLDER / "prometheus/prometheus.yml").read_text())
    shipped = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
    for one in (own, shipped):
        for job in one["scrape_configs"]:
            del job["static_configs"][0]["targets"]
    assert own == shipped
    mounted = {
        (FOLDER / source).resolve(): target
        for service in ("prometheus", "grafana")
        for source, target, *_ in (v.split(":") for v in compose["services"][service]["volumes"])
        if source.startswith(".")
    }
    assert mounted[MONITORING / "prometheus/rules"] == "/etc/prometheus/rules"
    boards = MONITORING / "grafana/provisioning/dashboards/prozvon.yml"
    assert boards in mounted and MONITORING / "grafana/dashboards" in mounted
    for provider in yaml.safe_load(boards.read_text())["providers"]:
        folder = provider["options"]["path"]
        inside = Path(folder).relative_to(mounted[MONITORING / "grafana/dashboards"])
        assert list((MONITORING / "grafana/dashboards" / inside).glob("*.json")), folder
    source = MONITORING / "grafana/provisioning/datasources/prozvon.yml"
    assert source in mounted
    (prometheus,) = yaml.safe_load(source.read_text())["datasources"]
    address = prometheus["url"].removeprefix("http://")
    assert f"--web.listen-address={address}" in compose["services"]["prometheus"]["command"]


def test_compose_itself_takes_it(compose: dict[str, Any]) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"]).returncode != 0:
        pytest.skip("docker compose is not installed here")
    names = re.findall(r"\$\{(\w+):\?", (FOLDER / "compose.yaml").read_text())
    done = subprocess.run(
        [docker, "compose", "-f", FOLDER / "compose.yaml", "config", "-q"],
        env={**os.environ, **dict.fromkeys(names, "x")}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
