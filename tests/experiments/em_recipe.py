"""Experiment A: what lifts a network of a few minutes from affinities to instances, one factor at a time.

    python tests/experiments/em_recipe.py --data $DATA --out FOLDER [--only ARM ...] [--seeds 1 ...] [--shard 0/2]

`em_recipe.yml` beside this file says what is tried: a base, arms (what differs from the base), seeds. For every arm
and seed a network is trained on the training part of the volume, every method of decoding is calibrated on the
validation part (`learned` is taught on the training part), and the test part is scored once by each. What is finished
is kept in FOLDER and not done again, so shards can run side by side, and a killed run goes on; arms that differ in
inference only share a training. `em_recipe_table.py` makes the tables and curves.

Processor time is that of this process, so it means the same on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from neuropil.compute import ComputeParameters
from neuropil.configuration.loader import StackedConfigLoader
from neuropil.em.calibration_blocks import Block, BlockReader
from neuropil.em.calibration_trials import trial_of
from neuropil.em.decoding import best_calibration, decode
from neuropil.em.metrics import Contingency, variation_of_information
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.parameters import EmSegmentationParameters
from neuropil.em.scoring.measures import LARGE, agreement, objects
from neuropil.em.scoring.tables import merged_by_oracle, tile_tables
from neuropil.em.train import train_network
from neuropil.sources.folder_volumes import folder_volumes
from neuropil.sources.volume_intake import take_in_volumes
from neuropil.sources.volume_parameters import FolderVolumes
from neuropil.statistics.volumes import split_volumes
from neuropil.training.fit import Trained
from neuropil.work.atomic import atomic_path, write_text
from neuropil.work.index import Index
from neuropil.work.keys import content_key

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MEASURES = ("adapted Rand error", "VOI", "VOI split", "VOI merge", "object recall", "object precision")


class Volumes(NamedTuple):
    """What is trained on and scored.

    Attributes:
        records: of the index `volumes`.
        store: what their paths are relative to.
        split: the parts.
    """

    records: list[dict[str, Any]]
    store: Path
    split: dict[str, Any]


def main() -> None:
    """Do what is missing of the experiment, or of a shard of it."""
    asked = arguments()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(asked.threads)
    plan = yaml.safe_load((HERE / "em_recipe.yml").read_text(encoding="utf-8"))
    volumes = prepared(asked.data / plan["volume"], asked.out / "volumes", plan["split"])
    shard, shards = (int(part) for part in asked.shard.split("/"))
    plan["seeds"] = asked.seeds or plan["seeds"]
    for arm, seed in runs(plan, asked.only)[shard::shards]:
        parameters = recipe(plan, arm)
        key = content_key(parameters, volumes.split["hash"], seed, plan["methods"])
        done = asked.out / "scores" / f"{arm}-{seed}.json"
        if done.exists() and json.loads(done.read_text(encoding="utf-8"))["key"] == key:
            continue
        found = one_run(parameters, plan["methods"], volumes, asked.out / "trainings", seed)
        done.parent.mkdir(exist_ok=True)
        write_text(done, json.dumps({"key": key, "arm": arm, "seed": seed, **found}, indent=1) + "\n")
        say(arm, seed, found)


def runs(plan: Mapping[str, Any], only: Sequence[str] | None) -> list[tuple[str, int]]:
    """Arms and seeds, the first seed of all arms first."""
    every = [(arm, seed) for arm in only or plan["arms"] for seed in plan["seeds"]]
    return sorted(
        ((arm, seed) for arm, seed in every if seed == plan["seeds"][0] or arm in plan["repeated"]),
        key=lambda run: run[1],
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that em/ lies in")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", help="arms; all of em_recipe.yml where none is named")
    parser.add_argument("--seeds", type=int, nargs="*", help="those of em_recipe.yml where none is named")
    parser.add_argument("--shard", default="0/1", help="i/n: every n-th run from the i-th on")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def recipe(plan: Mapping[str, Any], arm: str) -> EmSegmentationParameters:
    """The parameters of an arm: those of the environments, the base over them, the arm over it."""
    loader = StackedConfigLoader(
        str(ROOT / "conf"), env=plan["environments"], base_env="base", default_run_env="sample,laptop"
    )
    section = loader["parameters"]["em_segmentation"]
    return EmSegmentationParameters.model_validate(merged(merged(section, plan["base"]), plan["arms"][arm] or {}))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`; sections keep their siblings."""
    both = dict(below)
    for name, value in above.items():
        nested = isinstance(value, Mapping) and isinstance(both.get(name), Mapping)
        both[name] = merged(both[name], value) if nested else value
    return both


def prepared(path: Path, store: Path, split: Mapping[str, Any]) -> Volumes:
    """The volume as ingestion writes it, and its parts."""
    raw = Index(folder_volumes(FolderVolumes(path=path)))
    index, _ = take_in_volumes(raw, path.parent, store, ComputeParameters(workers=1, scheduler=None))
    records = [dict(record) for record in index]
    return Volumes(records, store, split_volumes(records, **split))


def one_run(
    parameters: EmSegmentationParameters, methods: Sequence[str], volumes: Volumes, folder: Path, seed: int
) -> dict[str, Any]:
    """Train, calibrate, score.

    Returns:
        {"train_cpu_s", "infer_cpu_s" (validation and test part), "steps", "history", "methods": {method: {"setting",
        "val": {"VOI split", "VOI merge"}, "test": see `scores`, "calibrate_cpu_s", "decode_cpu_s"}}}.
    """
    trained, seconds = training(parameters, volumes, folder, seed)
    started = time.process_time()
    reader = BlockReader(load_checkpoint(trained.last).network, parameters.inference, volumes.store, volumes.split)
    record = volumes.records[0]
    blocks = {part: list(reader.blocks(record, part)) for part in ("val", "test")}
    predicted = time.process_time() - started
    for part, of in blocks.items():
        keep(of[0], trained.last.parent / f"{part}.npz")
    return {
        "network": str(trained.last.relative_to(folder.parent)),
        "train_cpu_s": seconds,
        "infer_cpu_s": predicted,
        "steps": trained.history[-1]["step"],
        "history": trained.history,
        "methods": {method: decoded(method, parameters, reader, volumes, blocks, seed) for method in methods},
    }


def training(parameters: EmSegmentationParameters, volumes: Volumes, folder: Path, seed: int) -> tuple[Trained, float]:
    """The training, and its processor time; one that is there already is taken."""
    described = parameters.model_dump(mode="json", exclude={"inference"})
    place = folder / content_key(described, volumes.split["hash"], seed)[:16]
    started = time.process_time()
    trained = train_network(
        volumes.records, volumes.store, volumes.split,
        model=parameters.model, data=parameters.data, loss=parameters.loss, optimizer=parameters.optimizer,
        training=parameters.training, folder=place, seed=seed,
    )  # fmt: skip
    clock = place / "cpu_s.json"
    if not trained.reused:
        write_text(clock, json.dumps(time.process_time() - started))
    return trained, json.loads(clock.read_text(encoding="utf-8"))


def keep(block: Block, target: Path) -> None:
    """Affinities, truth and grey values of a part, for a look at them."""
    with atomic_path(target) as part, open(part, "wb") as file:
        np.savez(file, affinities=block.affinities, truth=block.truth, raw=block.raw, offsets=block.offsets)


def decoded(
    method: str,
    parameters: EmSegmentationParameters,
    reader: BlockReader,
    volumes: Volumes,
    blocks: Mapping[str, Sequence[Block]],
    seed: int,
) -> dict[str, Any]:
    """A method's setting by the validation part, and what it gives on the test part."""
    decoding = parameters.inference.decoding.model_copy(update={"method": method})
    started = time.process_time()
    trial = trial_of(decoding, reader, volumes.records, seed)
    tried: dict[tuple[float, ...], list[Contingency]] = {}
    for block in blocks["val"]:
        for setting, table in trial.tables(block):
            tried.setdefault(setting, []).append(table)
    rows = []
    for setting, tables in tried.items():
        figures = [variation_of_information(table) for table in tables]
        rows.append(
            {"setting": setting, "voi_split": sum(s for s, _ in figures), "voi_merge": sum(m for _, m in figures)}
        )
    best = best_calibration(rows)
    calibrated = time.process_time()
    (block,) = blocks["test"]
    labels = decode(
        block.affinities, block.offsets, trial.calibration(best["setting"]), stride=decoding.stride,
        min_size=decoding.min_size, seed=seed, spacing_nm=block.spacing_nm, extra=block.extra,
    )  # fmt: skip
    return {
        "setting": list(best["setting"]),
        "calibrate_cpu_s": calibrated - started,
        "decode_cpu_s": time.process_time() - calibrated,
        "val": {"VOI split": best["voi_split"], "VOI merge": best["voi_merge"]},
        "test": scores(block.truth, labels, seed),
    }


def scores(truth: NDArray[np.int64], labels: NDArray[np.integer], seed: int) -> dict[str, Any]:
    """{measure: [score, low, high]} of the segmentation, and of its fragments merged by an oracle."""
    tiles = tile_tables(truth, labels)
    found: dict[str, Any] = {}
    for prefix, tables in (("", tiles), ("oracle ", merged_by_oracle(tiles, background_counts=False))):
        whole = Contingency.total(tables)
        measures = agreement(tables) | objects(whole, smallest=LARGE, background_counts=False, seed=seed)
        found |= {
            f"{prefix}{name}": [measures[name].score, measures[name].low, measures[name].high] for name in MEASURES
        }
    return found


def say(arm: str, seed: int, found: Mapping[str, Any]) -> None:
    """A line a method of what came out."""
    for method, of in found["methods"].items():
        test = {name: round(of["test"][name][0], 3) for name in (*MEASURES[:2], "object recall", "oracle VOI")}
        val = sum(of["val"].values())
        line = f"{arm} {seed} train {found['train_cpu_s']:.0f} s {method} {of['setting']} validation VOI {val:.3f}"
        sys.stdout.write(f"{line} {json.dumps(test)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
