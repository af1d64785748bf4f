"""Experiment B, learned encoders: which training makes pictures tell cell types apart, in an unseen laboratory too.

    python tests/experiments/picture_encoder.py --data $DATA/swc/rat_s1 --out OUT [--only ARM ...] [--workers 2]

Every arm of picture_encoder.yml trains an encoder with the product's own engines on some cells, freezes it and embeds
all cells; kNN and a linear probe are fitted on the same training cells and asked about the others. No encoder sees a
cell that it is asked about. Two protocols: `thirds` (a third held back, laboratory and day whole, three seeds) and
`unseen` (one laboratory held back from the encoder and the probe). Killed and started again, it goes on at the training
that was under way. Writes into OUT: scores.parquet and scores.md (all readings), arms.md (one row an arm),
differences.md (each arm against the base, on the same neurons), scores.png, sheet.png (what the encoders look at).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

# Before torch and numpy are loaded: two trainings side by side take longer in four threads than in two.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

from encoder_units import Unit, make_pictures, run_unit
from encoder_views import Sampling
from pydantic import Field, ValidationError, model_validator
from rat_cells import UNSEEN, RatCells, load_cells, protocols, task, thirds

from neuropil.clip.parameters import ClipParameters
from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.parameters import Positive, Section
from neuropil.rendering.parameters import RenderingParameters
from neuropil.vae.parameters import VaeParameters
from neuropil.views.parameters import OnlineParameters
from neuropil.work.items import Item, run_items
from neuropil.work.ledger import Ledger

CONFIGURATION = Path(__file__).with_suffix(".yml")
THIRDS = "thirds"


class Pictures(Section):
    """What the encoders look at."""

    rendering: RenderingParameters
    twin: bool = Field(False, description="cells without axon and with constant radius")


class Arm(Section):
    """What is trained, with what it changes of the sections `vae` and `clip`."""

    kind: Literal["fixed", "random", "vae", "clip", "clip_vae"]
    pictures: str = "fixed"
    vae: dict[str, Any] = Field({}, description="keys of the section vae")
    clip: dict[str, Any] = Field({}, description="keys of the section clip")
    online: OnlineParameters | None = Field(None, description="changes of the neurons; none: stored pictures")
    sampling: Sampling | None = Field(None, description="one more change, with `online` only")
    seeds: Positive = Field(1, description="trainings of each fold of unseen laboratories")

    @model_validator(mode="after")
    def _heeded(self) -> Arm:
        if self.sampling is not None and self.online is None:
            raise ValueError("sampling needs online")
        if self.kind in ("fixed", "random") and (self.online is not None or self.clip):
            raise ValueError(f"an arm of kind {self.kind} is not trained")
        return self


class Configuration(Section):
    """The file picture_encoder.yml."""

    seed: int
    most_unseen_seeds: Positive
    pictures: dict[str, Pictures]
    vae: VaeParameters
    clip: ClipParameters
    draws: dict[str, OnlineParameters] = Field({}, description="named, for the arms to refer to")
    sampling: Sampling
    arms: dict[str, Arm]


def read_configuration() -> dict[str, Any]:
    """The configuration as it is written, after a look at every key. Raises InputError."""
    written: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    try:
        Configuration.model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{CONFIGURATION.name}: {where}: {first['msg']}") from error
    return written


def main() -> None:
    """Train what is missing, then score all that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the rat cells, $DATA/swc/rat_s1")
    parser.add_argument("--out", type=Path, required=True, help="where trainings, embeddings and tables go")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="these arms only; default: all")
    parser.add_argument("--workers", type=int, default=1, help="trainings side by side, a thread each")
    parser.add_argument("--score", action="store_true", help="train nothing: score what is there")
    given = parser.parse_args()
    try:
        run(given.data, given.out, given.only, workers=given.workers, train=not given.score)
    except InputError as error:
        parser.exit(1, f"{error}\n")


def run(data: Path, out: Path, only: Sequence[str] | None, *, workers: int, train: bool) -> None:
    """The experiment; see the module's docstring."""
    from encoder_scores import report
    from encoder_sheet import draw_sheet

    configuration = read_configuration()
    arms = configuration["arms"]
    unknown = sorted(set(only or ()) - set(arms))
    if unknown:
        raise InputError(f"--only {unknown[0]}: no such arm; there are {', '.join(arms)}")
    chosen = {name: arm for name, arm in arms.items() if only is None or name in only}
    cells = load_cells(data)
    for name in dict.fromkeys(arm.get("pictures", "fixed") for arm in chosen.values()):
        make_pictures(cells, configuration["pictures"][name], out / "pictures" / name, configuration["seed"])
    units = planned(cells, configuration, chosen, out)
    looks = {unit.arm: (unit.arm, unit.pictures, unit.section) for unit in units if unit.section["kind"] != "fixed"}
    if looks:
        draw_sheet(list(looks.values()), out / "sheet.png", size=configuration["clip"]["image_size"], seed=1)
    if train:
        items = [Item(unit.name, unit.key, unit) for unit in units]
        for _ in run_items(
            items,
            run_unit,
            ledger=Ledger(out / "ledger.jsonl"),
            compute=ComputeParameters(workers=workers),
            label="training encoders",
            total=len(items),
            present=lambda entry: (out / "embeddings" / f"{entry.key[:24]}.npz").is_file(),
        ):
            pass
    # What other calls have trained stands in the tables too.
    whole = [unit for unit in planned(cells, configuration, arms, out) if unit.manifest.is_file()]
    places = {name: place for place, name in enumerate(arms)}
    done = sorted((unit for unit in whole if unit.embeddings.is_file()), key=lambda unit: places[unit.arm])
    if not done:
        raise InputError(f"{out}: nothing is trained there yet; leave --score out")
    report(cells, done, out, seed=configuration["seed"])


def planned(cells: RatCells, configuration: Mapping[str, Any], arms: Mapping[str, Any], out: Path) -> list[Unit]:
    """All trainings, in the order of their use to one who stops early.

    First the arms of several seeds, an unseen laboratory each and then `thirds`; the same of the other arms; last the
    other seeds of unseen laboratories.
    """
    laboratories = {
        fold.name: [place for place, one in enumerate(cells.origins.laboratories) if one != out_laboratory]
        for fold in task(protocols(cells, ["mtype"]), "mtype", UNSEEN).folds
        for out_laboratory in [cells.origins.laboratories[fold.test[0]]]
    }
    most = configuration["most_unseen_seeds"]
    rounds = [[(UNSEEN, 0, name, places) for name, places in laboratories.items()]]
    rounds.append([(THIRDS, run, fold.name, fold.train) for run, fold in enumerate(thirds(cells))])
    rounds += [[(UNSEEN, run, name, places) for name, places in laboratories.items()] for run in range(1, most)]
    ranked: list[tuple[tuple[bool, bool, int], Unit]] = []
    for name, arm in arms.items():
        seeds = arm.get("seeds", 1)
        section, pictures = _section(configuration, arm), out / "pictures" / arm.get("pictures", "fixed")
        for number, held_back in enumerate(rounds[: 1 + seeds]):
            for protocol, run, fold, places in held_back:
                train = tuple(cells.names[place] for place in places)
                unit = Unit(name, protocol, run, fold, train, configuration["seed"] + run, section, pictures, out)
                ranked.append(((number > 1, seeds == 1, number), unit))
    return [unit for _, unit in sorted(ranked, key=lambda one: one[0])]


def _section(configuration: Mapping[str, Any], arm: Mapping[str, Any]) -> dict[str, Any]:
    """What shapes an arm's training, with the defaults that it does not change."""
    section: dict[str, Any] = {"kind": arm["kind"]}
    if arm["kind"] == "fixed":
        return section
    section["vae"] = configuration["vae"] | arm.get("vae", {})
    if arm["kind"].startswith("clip"):
        section["clip"] = configuration["clip"] | arm.get("clip", {})
    return section | {name: arm[name] for name in ("online", "sampling") if name in arm}


if __name__ == "__main__":
    main()
