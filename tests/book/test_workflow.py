"""The workflow on GitHub runs what `make` offers, publishes from the main branch alone, and asks for no more rights."""

import re

import pytest
import yaml
from release_zip import SITE


@pytest.fixture(scope="module")
def workflow(root) -> dict:
    read = yaml.safe_load((root / ".github" / "workflows" / "book.yml").read_text("utf-8"))
    read["on"] = read.pop(True)  # YAML 1.1 takes the word for a truth value
    return read


def steps(workflow, *jobs) -> list[dict]:
    return [step for name, job in workflow["jobs"].items() if not jobs or name in jobs for step in job["steps"]]


def needed(workflow, job) -> set[str]:
    needs = workflow["jobs"][job].get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)


def test_every_command_is_a_target_of_make_or_makes_the_release(root, workflow):
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    made = {command.split()[1] for command in commands if command.startswith("make ")}
    assert made <= targets
    assert made == {"test", "book", "test-full", "release-zip", "publish-check"}
    (other,) = [command for command in commands if not command.startswith("make ")]
    assert other.startswith("gh release create")


def test_what_is_tested_is_what_is_published(workflow):
    for job in ("publish", "release"):
        assert needed(workflow, job) == {"test", "book"}
    order = [step.get("run") or step["uses"] for step in steps(workflow, "book")]
    place = {
        name: next(i for i, step in enumerate(order) if name in step) for name in ("make book", "test-full", "pages")
    }
    assert place["make book"] < place["test-full"] < place["pages"]
    (uploaded,) = [s["with"]["path"] for s in steps(workflow, "book") if "upload-pages" in s.get("uses", "")]
    assert uploaded == SITE.as_posix()


def test_only_the_main_branch_is_published_and_only_a_tag_is_released(workflow):
    publish, release = (workflow["jobs"][job]["if"] for job in ("publish", "release"))
    assert "github.ref == 'refs/heads/main'" in publish
    assert "github.event_name != 'pull_request'" in publish
    assert release == "startsWith(github.ref, 'refs/tags/v')"
    assert workflow["on"]["push"] == {"branches": ["main"], "tags": ["v*"]}
    assert {"pull_request", "schedule", "workflow_dispatch"} <= set(workflow["on"])


def test_rights_are_given_where_they_are_used(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    given = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert given == {"publish": {"pages": "write", "id-token": "write"}, "release": {"contents": "write"}}
    assert "secrets." not in str(workflow)


def test_no_text_of_strangers_reaches_a_shell(workflow):
    """What `${{ }}` puts into a command is typed into the shell as it is; only the environment is safe."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_every_job_ends_and_every_action_has_a_version(workflow):
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []
    assert all(("run" in step) != ("uses" in step) for step in steps(workflow))


def test_the_versions_of_python_are_those_that_make_was_tried_with(root, workflow):
    (tested,) = re.findall(r"tried='python3 (.*?)'", (root / "Makefile").read_text("utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {f"python{version}" for version in matrix["python"]} == set(tested.split())
    assert all(isinstance(version, str) for version in matrix["python"])  # 3.10 as a number would be 3.1
