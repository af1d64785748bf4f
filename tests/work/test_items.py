"""Running items: in order, once, with failures told and the rest done; a killed run loses nothing."""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import neuropil.compute as compute_module
from neuropil.compute import ComputeParameters
from neuropil.errors import InputError, MachineError
from neuropil.work.items import Item, run_items
from neuropil.work.ledger import Entry, Ledger
from slow_work import number_of, process_of, quick, sometimes_long

HERE = ComputeParameters(workers=1)
CALLS: list[int] = []


def square(n: int) -> dict[str, Any]:
    CALLS.append(n)
    if n == 3:
        raise InputError("three is odd")
    if n == 4:
        raise ZeroDivisionError("four")
    return {"square": n * n}


def stop_at_two(n: int) -> dict[str, Any]:
    if n == 2:
        raise MachineError("the disk is full")
    return {}


class Hidden:
    """A function that can be packed but not unpacked."""

    def __call__(self, n: int) -> dict[str, Any]:
        return {}

    def __reduce__(self) -> Any:
        return importlib.import_module, ("no_such_module",)


def items(numbers: range, key: str = "k") -> list[Item]:
    return [Item(str(n), key, n) for n in numbers]


def run(tmp_path: Path, numbers: range, key: str = "k", **options: Any) -> list[Entry]:
    ledger = Ledger(tmp_path / "l.jsonl")
    return list(run_items(items(numbers, key), square, ledger=ledger, compute=HERE, label="", **options))


def test_results_come_in_order_and_failures_have_reasons(tmp_path: Path) -> None:
    entries = run(tmp_path, range(6))
    assert [entry.name for entry in entries] == list("012345")
    assert [entry.result.get("square") for entry in entries] == [0, 1, 4, None, None, 25]
    assert entries[3].reason == "three is odd"
    assert entries[4].reason == "ZeroDivisionError: four"


def test_second_run_repeats_only_what_failed_or_changed(tmp_path: Path) -> None:
    first = run(tmp_path, range(6))
    CALLS.clear()
    second = run(tmp_path, range(6))
    assert CALLS == [3, 4]
    assert [entry.result for entry in second] == [entry.result for entry in first]
    CALLS.clear()
    run(tmp_path, range(3), key="other")
    assert CALLS == [0, 1, 2]


def test_missing_outputs_are_made_again(tmp_path: Path) -> None:
    run(tmp_path, range(3))
    CALLS.clear()
    run(tmp_path, range(3), present=lambda entry: entry.name != "1")
    assert CALLS == [1]


def test_machine_error_stops_the_run_and_keeps_what_is_done(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    with pytest.raises(MachineError):
        list(run_items(items(range(5)), stop_at_two, ledger=ledger, compute=HERE, label=""))
    assert [Ledger(tmp_path / "l.jsonl").find(str(n), "k") is not None for n in range(4)] == [True, True, False, False]


def test_items_are_taken_as_a_stream(tmp_path: Path) -> None:
    def endless() -> Any:
        n = 10
        while True:
            yield Item(str(n), "k", n)
            n += 1

    stream = run_items(endless(), square, ledger=Ledger(tmp_path / "l.jsonl"), compute=HERE, label="")
    assert [next(stream).result for _ in range(3)] == [{"square": 100}, {"square": 121}, {"square": 144}]
    stream.close()


def test_several_processes_give_the_same_entries_in_order(tmp_path: Path) -> None:
    environment = dict(os.environ)
    ledger = Ledger(tmp_path / "l.jsonl")
    compute = ComputeParameters(workers=2)
    entries = list(run_items(items(range(30)), process_of, ledger=ledger, compute=compute, label=""))
    assert [entry.result["n"] for entry in entries] == list(range(30))
    assert dict(os.environ) == environment, "dask must not leave one thread for all that follows"
    assert {entry.result["told"] for entry in entries} == {"CRITICAL"}, "a worker that is stopped says nothing of it"
    pids = {entry.result["pid"] for entry in entries}
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_told_of_a_result_is_the_same_for_items_run_and_found(tmp_path: Path, workers: int) -> None:
    compute = ComputeParameters(workers=workers)
    for fresh in (True, False):
        entries = list(
            run_items(
                items(range(5)),
                process_of,
                ledger=Ledger(tmp_path / "l.jsonl"),
                compute=compute,
                label="",
                brief=number_of,
            )
        )
        assert [entry.brief for entry in entries] == list(range(5))
        assert [entry.fresh for entry in entries] == [fresh] * 5
    assert all("brief" not in json.loads(line) for line in (tmp_path / "l.jsonl").read_text().splitlines())


def test_another_run_on_the_machine_is_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # it is another run's then
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        ledger = Ledger(tmp_path / "l.jsonl")
        list(run_items(items(range(3)), process_of, ledger=ledger, compute=ComputeParameters(workers=2), label=""))
    assert not [warning for warning in recwarn if "8787" in str(warning.message)]


SCRIPT = """
import sys, time
from pathlib import Path
import neuropil.compute as compute_module
from neuropil.compute import ComputeParameters
from neuropil.work.atomic import write_text
from neuropil.work.items import Item, run_items
from neuropil.work.ledger import Ledger
folder = Path(sys.argv[1])
def work(n):
    with open(folder / "calls", "a") as calls: calls.write(f"{n}\\n")
    time.sleep(0.02)
    write_text(folder / "out" / f"{n}.txt", str(n * n))
    return {"n": n}
items = [Item(str(n), "k", n) for n in range(40)]
for entry in run_items(items, work, ledger=Ledger(folder / "ledger.jsonl"), compute=ComputeParameters(), label="x"):
    print(entry.name, flush=True)
"""


def test_killed_run_goes_on_and_repeats_no_finished_item(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    for _ in range(7):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    finished = {json.loads(line)["name"] for line in lines if line.endswith("}")}
    assert 7 <= len(finished) < 40
    subprocess.run(command, check=True, capture_output=True)
    calls = (tmp_path / "calls").read_text().split()
    assert set(calls) == {str(n) for n in range(40)}
    assert all(calls.count(name) == 1 for name in finished)
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        f"{n}.txt": str(n * n) for n in range(40)
    }


def test_what_a_worker_cannot_import_is_an_error_not_an_endless_wait(tmp_path: Path) -> None:
    stream = run_items(
        items(range(2)), Hidden(), ledger=Ledger(tmp_path / "l.jsonl"), compute=ComputeParameters(workers=2), label=""
    )
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        list(stream)


def test_no_process_starts_where_all_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, range(3))
    monkeypatch.setattr("neuropil.compute._client", lambda _: pytest.fail("a pool was started"))
    ledger = Ledger(tmp_path / "l.jsonl")
    compute = ComputeParameters(workers=2)
    entries = list(run_items(items(range(3)), square, ledger=ledger, compute=compute, label=""))
    assert [entry.result["square"] for entry in entries] == [0, 1, 4]


def tasks_sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many values go out with each task."""
    sizes: list[int] = []
    submit = compute_module._Dask._submit

    def noting(self: Any, function: Any, planned: list[tuple[bool, Any]]) -> Any:
        future = submit(self, function, planned)
        sizes.extend([] if future is None else [sum(wanted for wanted, _ in planned)])
        return future

    monkeypatch.setattr(compute_module._Dask, "_submit", noting)
    return sizes


def test_quick_items_go_together_and_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = tasks_sent(monkeypatch)
    numbers = [n for n in range(1500) if n != 40]
    todo = [Item(str(n), "k", n) for n in numbers]
    ledger = Ledger(tmp_path / "l.jsonl")
    entries = list(run_items(todo, quick, ledger=ledger, compute=ComputeParameters(workers=2), label=""))
    assert [entry.result["n"] for entry in entries] == numbers
    assert sum(sizes) == 1499 and sizes[0] == 1 and max(sizes) > 20 and len(sizes) < 300


def test_what_a_task_had_done_before_an_error_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    stream = run_items(items(range(200)), quick, ledger=ledger, compute=ComputeParameters(workers=2), label="")
    with pytest.raises(MachineError, match="the disk is full"):
        list(stream)
    again = Ledger(tmp_path / "l.jsonl")
    assert [n for n in range(200) if again.find(str(n), "k")] == list(range(40))


def test_task_that_takes_too_long_hands_back_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = tasks_sent(monkeypatch)
    ledger = Ledger(tmp_path / "l.jsonl")
    compute = ComputeParameters(workers=2)
    entries = list(run_items(items(range(160)), sometimes_long, ledger=ledger, compute=compute, label=""))
    assert [entry.result["n"] for entry in entries] == list(range(160))
    assert sum(sizes) > 160, "what followed a long item in its task went out again"


def test_done_and_missing_items_may_alternate(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    compute = ComputeParameters(workers=2)
    even = [item for item in items(range(300)) if item.payload % 2 == 0 and item.payload != 40]
    list(run_items(even, quick, ledger=ledger, compute=HERE, label=""))
    todo = [item for item in items(range(300)) if item.payload != 40]
    entries = list(run_items(todo, quick, ledger=ledger, compute=compute, label=""))
    assert [entry.name for entry in entries] == [item.name for item in todo]
    here = {entry.name for entry in entries if entry.result["pid"] == os.getpid()}
    assert here == {item.name for item in even}, "what was done is not done again"


def many_failures(n: int) -> dict[str, Any]:
    raise InputError(f"{n} is no good \x1b[31m")


def test_failures_are_told_a_few_times_then_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    entries = list(run_items(items(range(50)), many_failures, ledger=ledger, compute=HERE, label="trying"))
    assert len(entries) == 50 and all(entry.state == "failed" for entry in entries)
    assert entries[-1].reason == r"49 is no good \x1b[31m"
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 6 and warnings[-1].startswith("trying: 45 more failed")


def defective(n: int) -> dict[str, Any]:
    raise KeyError(n)


def test_a_defect_that_meets_every_item_does_not_fill_the_console(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    list(run_items(items(range(50)), defective, ledger=ledger, compute=HERE, label="trying"))
    assert sum(record.exc_info is not None for record in caplog.records) == 5
