"""examples/deploy: held against the programs that read such files, and against what the server exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from promptgraph.web.figures import METRICS
from tests.browser import missing
from tests.children import ROOT

DEPLOY = ROOT / "examples" / "deploy"
NAMED = re.compile(r"promptgraph_[a-z_]+")
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def program(name: str) -> str:
    """The path of a program. Without it the test is skipped, or under CI=true fails, with the reason."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        missing(f"no {name} on this machine")
    return found


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """No key that it does not know, no value that it does not understand."""
    text = (DEPLOY / "promptgraph.service").read_text()
    # the unit is about a machine where these are installed; this one has `true`
    text = re.sub(r"/opt/promptgraph/bin/promptgraph", shutil.which("true") or "/bin/true", text)
    unit = tmp_path / "promptgraph.service"
    unit.write_text(text)
    words = [program("systemd-analyze"), "verify", "--man=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert [] == [line for line in done.stderr.splitlines() if "promptgraph.service" in line]


def test_systemd_finds_a_planted_mistake(tmp_path: Path) -> None:
    """The test above sees what is wrong with a unit."""
    unit = tmp_path / "promptgraph.service"
    unit.write_text((DEPLOY / "promptgraph.service").read_text().replace("UMask=0077", "UMosk=0077"))
    words = [program("systemd-analyze"), "verify", "--man=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert "UMosk" in done.stderr


def nginx(folder: Path, site: str) -> subprocess.CompletedProcess[str]:
    """What `nginx -t` says of a site; all that it would write goes into `folder`."""
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http = f"access_log off; {temporary} include site.conf;"
    (folder / "nginx.conf").write_text(f"pid {folder}/pid; error_log stderr; events {{}} http {{ {http} }}")
    words = [program("nginx"), "-t", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_nginx_takes_the_site(tmp_path: Path) -> None:
    """As part of a configuration of its own."""
    done = nginx(tmp_path, (DEPLOY / "nginx.conf").read_text())
    assert done.returncode == 0, done.stderr
    planted = nginx(
        tmp_path, (DEPLOY / "nginx.conf").read_text().replace("proxy_buffering off", "proxy_bufering off")
    )
    assert planted.returncode != 0


def test_the_dashboard_names_what_is_exported() -> None:
    """Every metric of every query, with the ending that its kind has."""
    exported = {
        f"{metric.name}{ending}" for metric in METRICS for ending in ENDINGS.get(metric.kind.value, ("",))
    }
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    named = {name for query in queries for name in NAMED.findall(query)}
    assert set() == named - exported
    assert len(named) >= 10


def test_the_dashboard_groups_by_labels_that_there_are() -> None:
    """A label that no metric of the query has would give one line without a name."""
    labels = {metric.name: {*metric.labels, "le"} for metric in METRICS}
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            asked = {
                one.strip()
                for group in re.findall(r"by \(([^)]*)\)", target["expr"])
                for one in group.split(",")
            }
            names = [
                name
                for name in labels
                if re.search(rf"\b{name}(_total|_bucket|_sum|_count)?\b", target["expr"])
            ]
            assert names, target
            assert all(asked <= labels[name] for name in names), target
