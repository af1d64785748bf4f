"""What should a neuron's picture be? Frozen features of it, two plain classifiers, one thing changed at a time.

    python tests/experiments/neuron_picture.py --data $DATA/swc/rat_s1 --out FOLDER [--only ARM ...]

The arms stand in `neuron_picture.yml`. What is finished stands in FOLDER/answers.jsonl, a line an arm and seed, and is
not done again while look, folds and classifiers are the same; so a run goes on where it was stopped. FOLDER then holds
scores.parquet and scores.md (every arm, classifier and task with its interval), differences.parquet (each arm against
the one it is compared with, on the same neurons), summary.md (both in one table), arms.png, curves.png, pictures.png.
One process, one thread; the CPU time of each arm is in its lines. Several processes may share a FOLDER, each with
arms of its own (--only ... --no-report); a last run without arms makes the report.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from neuron_picture_looks import Look, table
from neuron_picture_probe import COSTS, Gram, answers
from neuron_picture_report import Answered, write_report
from neuron_picture_sheet import write_sheet
from pydantic import Field, ValidationError
from rat_cells import GROUPED, INSIDE, UNSEEN, RatCells, load_cells, protocols, task

from neuropil.errors import InputError
from neuropil.evaluation.protocols import FoldSet
from neuropil.parameters import Positive, Section
from neuropil.work.keys import content_key

VERSION = 1
"""Part of every line's key: raise it when features or classifiers would answer otherwise."""

ASKED = (
    ("mtype", UNSEEN), ("mtype", GROUPED), ("mtype", INSIDE), ("cell_class", GROUPED), ("layer", GROUPED),
    ("laboratory", GROUPED),
)  # fmt: skip
BASE = "base"


class Arm(Section):
    """An arm as the file names it."""

    name: str
    about: str = Field(description="the factor that it is about")
    against: str = BASE
    look: dict[str, Any] = Field(default_factory=dict, description="what differs from that arm, fields of `Look`")


class Experiment(Section):
    """The file of arms."""

    seeds: Positive
    folds: int = Field(ge=2)
    neighbours: Positive
    resamples: int = Field(ge=100)
    base: dict[str, Any]
    arms: tuple[Arm, ...]

    def looks(self) -> dict[str, Look]:
        """The look of each arm, the base's first; an arm starts from the one it is compared with."""
        given: dict[str, dict[str, Any]] = {BASE: self.base}
        for arm in self.arms:
            if arm.name in given or arm.against not in given:
                raise InputError(f"arm {arm.name!r}: its name is taken, or {arm.against!r} does not stand above it")
            given[arm.name] = given[arm.against] | arm.look
        return {name: Look(**look) for name, look in given.items()}


class Line(NamedTuple):
    """What is kept of an arm and seed.

    Attributes:
        key: of all that decides the answers.
        cpu_s: CPU seconds of drawing, describing and classifying.
        answers: task -> classifier -> the answers to each fold's test neurons.
    """

    key: str
    cpu_s: float
    answers: dict[str, dict[str, list[list[int]]]]


def read_experiment(file: Path) -> Experiment:
    """The arms of a file. Raises InputError where a field is wrong."""
    try:
        return Experiment(**yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, TypeError, yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{file}: {str(error).splitlines()[0]}") from error


def line_key(look: Look, sets: Sequence[FoldSet], experiment: Experiment, run: int) -> str:
    """Of all that decides the answers of a look in the run of a seed."""
    return content_key(
        VERSION, look.model_dump(mode="json"), [one.hash for one in sets], run, experiment.seeds, experiment.neighbours,
        list(COSTS),
    )  # fmt: skip


def run_arm(
    cells: RatCells, sets: Sequence[FoldSet], name: str, look: Look, experiment: Experiment, missing: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The lines of an arm that are missing: run -> key."""
    made, gram, shared = [], None, 0.0
    of_folds: dict[tuple[str, tuple[str, ...]], dict[str, list[Any]]] = {}  # the laboratories of all seeds are the same
    days = [f"cell {place}" if day is None else day for place, day in enumerate(cells.origins.days)]
    dated = [f"cell {place}" if day is None else day for place, day in enumerate(cells.origins.dated)]
    labs = [str(laboratory) for laboratory in cells.origins.laboratories]
    for run, key in missing.items():
        start = time.process_time()
        if gram is None or look.chancy:
            gram = Gram.of(table(cells.neurons, look, run))
            shared = time.process_time() - start
        found = {}
        for one in sets:
            together = dated if one.label == "laboratory" else days
            asked_as = (one.hash, tuple(fold.name for fold in one.runs(experiment.seeds)[run]))
            if asked_as not in of_folds or look.chancy:
                of_folds[asked_as] = answers(
                    gram, one, run, experiment.seeds, k=experiment.neighbours, days=together, labs=labs
                )
            given = of_folds[asked_as]
            found[one.hash] = {probe: [fold.tolist() for fold in folds] for probe, folds in given.items()}
        cpu = time.process_time() - start
        made.append({"arm": name, "run": run, "key": key, "cpu_s": round(cpu, 2), "features_cpu_s": round(shared, 2)})
        made[-1]["answers"] = found
    return made


def read_lines(file: Path) -> dict[str, Line]:
    """What is finished, by key; a last line that was cut off is left out."""
    lines = {}
    for text in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            one = json.loads(text)
        except ValueError:
            continue
        lines[one["key"]] = Line(one["key"], one["cpu_s"], one["answers"])
    return lines


def append(file: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines in one write, so that several processes may share a file; a line that was cut off is ended first."""
    text = "".join(json.dumps(one) + "\n" for one in lines)
    with open(file, "a+b") as kept:
        if kept.tell():
            kept.seek(-1, os.SEEK_END)
            text = text if kept.read(1) == b"\n" else f"\n{text}"
        kept.write(text.encode())


def answer_all(
    cells: RatCells, sets: Sequence[FoldSet], experiment: Experiment, looks: Mapping[str, Look], out: Path
) -> dict[str, Answered]:
    """Answers of all arms of `looks`, those that are missing made and kept one by one."""
    file = out / "answers.jsonl"
    done = read_lines(file)
    found = {}
    for number, (name, look) in enumerate(looks.items(), start=1):
        keys = {run: line_key(look, sets, experiment, run) for run in range(experiment.seeds)}
        missing = {run: key for run, key in keys.items() if key not in done}
        if missing:
            made = run_arm(cells, sets, name, look, experiment, missing)
            append(file, made)
            done |= {one["key"]: Line(one["key"], one["cpu_s"], one["answers"]) for one in made}
            say(f"{number} of {len(looks)}  {name}: {sum(one['cpu_s'] for one in made):.0f} CPU s")
        lines_of = [done[key] for key in keys.values()]
        runs = {
            one.hash: {
                probe: [[np.array(fold, np.int64) for fold in line.answers[one.hash][probe]] for line in lines_of]
                for probe in lines_of[0].answers[one.hash]
            }
            for one in sets
        }
        found[name] = Answered(runs, sum(line.cpu_s for line in lines_of))
    return found


def say(text: str) -> None:
    """A line on the console."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status."""
    parser = argparse.ArgumentParser(
        description="what a neuron's picture should be: frozen features, plain classifiers"
    )
    default = Path(os.environ["NEUROPIL_DATA"], "swc", "rat_s1") if "NEUROPIL_DATA" in os.environ else None
    parser.add_argument("--data", type=Path, default=default, required=default is None, help="$DATA/swc/rat_s1")
    parser.add_argument("--out", type=Path, default=Path("neuron_picture"), help="where everything is kept")
    parser.add_argument("--arms", type=Path, default=Path(__file__).with_suffix(".yml"), help="the file of arms")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="these arms (and what they are compared with) only")
    parser.add_argument("--no-report", action="store_true", help="answer only: for several of these side by side")
    chosen = parser.parse_args(arguments)
    try:
        experiment = read_experiment(chosen.arms)
        looks = experiment.looks()
        against = {arm.name: arm.against for arm in experiment.arms}
        about = {BASE: BASE} | {arm.name: arm.about for arm in experiment.arms}
        if chosen.only:
            looks = {name: looks[name] for name in _with_compared(chosen.only, against, looks)}
        cells = load_cells(chosen.data)
    except InputError as error:
        say(f"neuron_picture: {error}")
        return 1
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    chosen.out.mkdir(parents=True, exist_ok=True)
    frozen = protocols(cells, seeds=experiment.seeds, folds=experiment.folds)
    known = {(one.label, one.protocol) for one in frozen}
    sets = [task(frozen, *one) for one in ASKED if one in known]
    with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
        found = answer_all(cells, sets, experiment, looks, chosen.out)
        if chosen.no_report:
            return 0
        write_sheet(cells, looks, chosen.out / "pictures.png")
        write_report(found, sets, looks, against, about, chosen.out, resamples=experiment.resamples)
    say(f"{sum(one.cpu_s for one in found.values()):.0f} CPU s in all; see {chosen.out / 'summary.md'}")
    return 0


def _with_compared(only: Sequence[str], against: Mapping[str, str], looks: Mapping[str, Look]) -> list[str]:
    """The arms named and all that they are compared with, in the order of the file."""
    unknown = [name for name in only if name not in looks]
    if unknown:
        raise InputError(f"--only {unknown[0]!r}: no such arm; there are: {', '.join(looks)}")
    wanted = set()
    for name in only:
        while name not in wanted:
            wanted.add(name)
            name = against.get(name, BASE)
    return [name for name in looks if name in wanted]


if __name__ == "__main__":
    sys.exit(main())
