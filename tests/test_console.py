"""A person's mistake is one line; a defect keeps its traceback."""

import subprocess
import sys

from kedro.io import DatasetError

from neuropil.console import mistake
from neuropil.errors import InputError, MachineError


def test_messages_are_one_line() -> None:
    assert str(InputError("a\n  b")) == "a b"


def test_mistakes_are_found_behind_kedros_wrapping() -> None:
    wrapped = DatasetError("Failed while loading\nmany lines")
    wrapped.__cause__ = MachineError("the disk is full")
    assert mistake(wrapped) == "the disk is full"
    assert mistake(ValueError("Failed to find the pipeline named 'x'.\n Did")) is not None
    assert mistake(ValueError("shapes differ")) is None
    assert mistake(None) is None


def run(code: str) -> subprocess.CompletedProcess[str]:
    calm = "from neuropil.console import calm; from neuropil.errors import InputError; calm()\n"
    return subprocess.run([sys.executable, "-c", calm + code], capture_output=True, text=True, timeout=60)


def test_uncaught_mistake_shows_one_line_and_fails() -> None:
    done = run("raise InputError('a.h5: no dataset volumes/raw')")
    assert done.stderr == "Error: a.h5: no dataset volumes/raw\n" and done.returncode == 1


def test_uncaught_defect_shows_its_traceback() -> None:
    done = run("1 / 0")
    assert "Traceback" in done.stderr and "ZeroDivisionError" in done.stderr


def test_libraries_do_not_warn() -> None:
    assert run("import warnings; warnings.warn('chatter')").stderr == ""
