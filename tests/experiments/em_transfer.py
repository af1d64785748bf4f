"""Experiment A, part 4: settings of the decoder calibrated on FIB-25, used on another volume, in plane.

    python tests/experiments/em_transfer.py --data $DATA --out FOLDER

A network of sections is trained on FIB-25 and reads the sections of the ventral nerve cord at FIB-25's voxel size. Its
affinities are decoded with settings calibrated on few or all sections of FIB-25's validation part, and on the other
volume's own validation part, which is what transfer could reach at best. Every section is scored by itself, on the test
parts of both volumes. The arms are trainings with more or less augmentation. `em_transfer.yml` says what is done;
`--only ARM ...` and `--seeds` do a part of it, and what is done already is not done again. Writes FOLDER/transfer.md,
and FOLDER/scores/ARM-SEED.json for each network.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
import yaml
from em_recipe import HERE, Volumes, prepared, recipe, scores, training

from neuropil.em.calibration_blocks import Block, BlockReader
from neuropil.em.calibration_trials import Trial, trial_of
from neuropil.em.decoding import best_calibration, decode
from neuropil.em.metrics import variation_of_information
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.parameters import EmDecodingParameters, EmSegmentationParameters
from neuropil.work.atomic import write_text
from neuropil.work.keys import content_key

OWN = "its own validation part"
Row = dict[str, Any]


def main() -> None:
    """Train, calibrate, score, write."""
    asked = arguments()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(asked.threads)
    plan = yaml.safe_load((HERE / "em_transfer.yml").read_text(encoding="utf-8"))
    both = {
        name: prepared(asked.data / plan[name]["volume"], asked.out / name, plan[name]["split"])
        for name in ("learnt", "asked")
    }
    for seed in asked.seeds or plan["seeds"]:
        for arm in asked.only or plan["arms"]:
            parameters = recipe(plan, arm)
            hashes = [volumes.split["hash"] for volumes in both.values()]
            key = content_key(parameters, hashes, plan["methods"], plan["sections"])
            done = asked.out / "scores" / f"{arm}-{seed}.json"
            if not (done.exists() and read(done)["key"] == key):
                trained, _ = training(parameters, both["learnt"], asked.out / "trainings", seed)
                rows = of_network(trained.last, parameters, both, plan, seed)
                done.parent.mkdir(exist_ok=True)
                write_text(done, json.dumps({"key": key, "rows": rows}, indent=1) + "\n")
    lines = table(plan["arms"], asked.out / "scores")
    write_text(asked.out / "transfer.md", "\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that em/ lies in")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", help="arms; all of em_transfer.yml where none is named")
    parser.add_argument("--seeds", type=int, nargs="*", help="those of em_transfer.yml where none is named")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def read(path: Path) -> dict[str, Any]:
    """Scores of a network."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def of_network(
    network: Path, parameters: EmSegmentationParameters, both: Mapping[str, Volumes], plan: Mapping[str, Any], seed: int
) -> list[Row]:
    """A row for each method and for what it was calibrated on."""
    loaded = load_checkpoint(network).network
    readers = {
        name: BlockReader(loaded, parameters.inference, volumes.store, volumes.split) for name, volumes in both.items()
    }
    blocks = {
        (name, part): next(iter(readers[name].blocks(volumes.records[0], part)))
        for name, volumes in both.items()
        for part in ("val", "test")
    }
    rows = []
    for method in plan["methods"]:
        decoding = parameters.inference.decoding.model_copy(update={"method": method})
        trial = trial_of(decoding, readers["learnt"], both["learnt"].records, seed)
        validation = blocks["learnt", "val"]
        told = {f"{count} sections of FIB-25": some(validation, count) for count in plan["sections"]}
        for name, seen in {**told, OWN: blocks["asked", "val"]}.items():
            setting = chosen(trial, seen)
            rows.append(
                {"method": method, "calibrated on": name, "seed": seed, "setting": list(setting)}
                | {which: scored(trial, setting, blocks[which, "test"], decoding, seed) for which in both}
            )
    return rows


def some(block: Block, sections: int | str) -> Block:
    """The first sections of a block."""
    if sections == "all":
        return block
    where = slice(0, int(sections))
    return replace(
        block,
        raw=block.raw[where],
        truth=block.truth[where],
        affinities=np.ascontiguousarray(block.affinities[:, where]),
    )


def chosen(trial: Trial, block: Block) -> tuple[float, ...]:
    """The setting with the least VOI, splits before merges where two are alike."""
    rows = []
    for setting, found in trial.tables(block):
        split, merge = variation_of_information(found)
        rows.append({"setting": setting, "voi_split": split, "voi_merge": merge})
    setting: tuple[float, ...] = best_calibration(rows)["setting"]
    return setting


def scored(
    trial: Trial, setting: tuple[float, ...], block: Block, decoding: EmDecodingParameters, seed: int
) -> dict[str, Any]:
    """Scores of a test part."""
    labels = decode(
        block.affinities, block.offsets, trial.calibration(setting), stride=decoding.stride,
        min_size=decoding.min_size, seed=seed, spacing_nm=block.spacing_nm,
    )  # fmt: skip
    return scores(block.truth, labels, seed)


def table(arms: Iterable[str], scores: Path) -> list[str]:
    """A line for each arm, method and calibration, means over the seeds that are done."""
    lines = [
        "| training | method | calibrated on | setting, first seed | FIB-25, test: VOI (split + merge) | recall "
        "| nerve cord, test: VOI (split + merge) | recall | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for arm in arms:
        rows = [row for path in sorted(scores.glob(f"{arm}-*.json")) for row in read(path)["rows"]]
        for method, seen in dict.fromkeys((row["method"], row["calibrated on"]) for row in rows):
            of = [row for row in rows if (row["method"], row["calibrated on"]) == (method, seen)]
            cells = []
            for which in ("learnt", "asked"):
                split, merge = (fmean(row[which][name][0] for row in of) for name in ("VOI split", "VOI merge"))
                cells.append(f"{spread([row[which]['VOI'][0] for row in of])} ({split:.2f} + {merge:.2f})")
                cells.append(spread([row[which]["object recall"][0] for row in of]))
            lines.append(f"| {arm} | {method} | {seen} | {of[0]['setting']} | {' | '.join(cells)} | {len(of)} |")
    return lines


def spread(values: Sequence[float]) -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
