"""The examples for clusters, as far as they can be checked without one."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml

from nas.config.config import parse_config
from tests.test_readme import commands as known_commands

FOLDER = Path(__file__).parents[1] / "runs" / "examples" / "cluster"
FILES = sorted(FOLDER.iterdir())
RAYS = Path(ray.__file__).parent
# A command stands in quotes, begins a line, or follows a key or a colon in a comment.
COMMAND = re.compile(r'"(nas [^"]*)"|(?:^ *|: )(nas [a-z][^\n&]*)', re.MULTILINE)


def commands(path: Path) -> list[str]:
    return [(quoted or plain).strip() for quoted, plain in COMMAND.findall(path.read_text())]


def load(name: str) -> dict[str, Any]:
    data = yaml.safe_load((FOLDER / name).read_text())
    assert isinstance(data, dict)
    return data


def test_there_is_one_for_each_kind_of_cluster() -> None:
    assert [path.name for path in FILES] == ["ray-cluster.yaml", "ray-job.yaml", "search.slurm"]
    assert all(len(path.read_text().splitlines()) < 70 for path in FILES)


def test_each_starts_a_search_on_its_cluster() -> None:
    for path in FILES:
        found = [line for line in commands(path) if line.startswith("nas search")]
        assert any("--address" in line for line in found), path.name


@pytest.mark.parametrize("line", [line for path in FILES for line in commands(path)])
def test_every_nas_command_is_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line, comments=True)
    with known_commands()[name].make_context(name, arguments):
        pass


def test_the_ray_cluster_keeps_to_rays_schema() -> None:
    validator = pytest.importorskip("jsonschema")
    schema = json.loads((RAYS / "autoscaler" / "ray-schema.json").read_text())
    validator.validate(load("ray-cluster.yaml"), schema)


def test_ray_commands_have_options_that_ray_knows() -> None:
    ray_command = pytest.importorskip("ray.scripts.scripts").start
    known = {option for parameter in ray_command.params for option in parameter.opts}
    text = "\n".join(path.read_text() for path in FILES)
    lines = [line.replace('"${ray_args[@]}" &', "") for line in re.findall(r"ray start (.*)", text)]
    asked = {word.split("=")[0] for line in [*lines, *re.findall(r"ray_args=\((.*)\)", text)] for word in line.split()}
    assert {word for word in asked if word.startswith("--")} <= known
    assert {"--head", "--address", "--num-gpus"} <= asked


def test_the_job_has_what_kuberay_asks_for() -> None:
    job = load("ray-job.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]["rayClusterSpec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for container in pod["containers"]:
            assert container["image"] == "IMAGE"
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
    for group in groups[1:]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_config_on_the_page_is_sound_and_the_page_names_every_example() -> None:
    page = (FOLDER.parents[2] / "docs" / "cluster.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert parse_config(yaml.safe_load(text)).faults == []
    assert set(re.findall(r"\(\.\./runs/examples/cluster/([^)]+)\)", page)) == {path.name for path in FILES}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_batch_script_is_a_script() -> None:
    script = FOLDER / "search.slurm"
    subprocess.run(["bash", "-n", script], check=True)
    first, *rest = script.read_text().splitlines()
    assert first.startswith("#!")
    asked = [line for line in rest if line.startswith("#SBATCH")]
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+=\S+", line) for line in asked)
    assert rest.index(asked[-1]) < rest.index("set -euo pipefail")  # SLURM reads none behind the first command
