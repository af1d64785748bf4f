"""Makes docs/augmentation.md and its pictures: every change of a training patch on real tissue, with its cost.

    NEUROPIL_DATA=$DATA python tests/benchmarks/make_augmentation_page.py [--docs docs] [--rounds 9]

The tissue is FIB-25 ($DATA/em/fib25_train.h5) as it is, and with every four sections averaged into one of 40 nm, as
a section series would have it. `--volumes` draws others; what may be kept of those is for their licence to say.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from augmentation_pictures import Patch, draw
from augmentation_texts import CHANGE_TEXTS, CLOSING, OPENING

from neuropil.em.augmentation import augment, margin, prepare
from neuropil.em.augmentation.parameters import CHANGES, EmAugmentationParameters
from neuropil.em.volume import open_volume

SIZE = (64, 128, 128)
DEFAULTS = EmAugmentationParameters()


def main() -> int:
    """Write the page and its pictures; the exit status."""
    options = _options()
    volumes = _volumes(options.volumes)
    images = options.docs / "images"
    images.mkdir(parents=True, exist_ok=True)
    costs = _costs(options.rounds)
    for name, text in CHANGE_TEXTS.items():
        shown = zip(volumes, text.shown, strict=True)
        rows = [_changed(volume, name, seed, dict(extra)) for volume, (seed, extra) in shown]
        draw(rows).save(images / f"augmentation_{name}.png", optimize=True)
    (options.docs / "augmentation.md").write_text(_page(costs), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--volumes", type=Path, nargs=2, help="two other volumes, HDF5")
    parser.add_argument("--rounds", type=int, default=9, help="repetitions of each measurement, alternated")
    return parser.parse_args()


def _volumes(paths: Sequence[Path] | None) -> list[Patch]:
    if paths:
        return [_read(path, path.stem) for path in paths]
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (em/fib25_train.h5)")
    fine = _read(Path(data) / "em" / "fib25_train.h5", "FIB-25")
    depth = len(fine.raw) // 4 * 4
    thick = fine.raw[:depth].reshape(-1, 4, *fine.raw.shape[1:]).mean(axis=1)
    thick = (thick - thick.mean()) / thick.std()
    return [fine, Patch("Thick sections", thick, fine.ids[2:depth:4], (40.0, 10.0, 10.0))]


def _read(path: Path, title: str) -> Patch:
    with open_volume(path) as volume:
        raw = volume.raw[:].astype(np.float32)
        ids = volume.labels["neuron_ids"][:].astype(np.int64)
        return Patch(title, (raw - raw.mean()) / raw.std(), ids, volume.resolution_nm)


def only(name: str, **options: Any) -> EmAugmentationParameters:
    """One change at every patch."""
    return EmAugmentationParameters.only(**{name: type(getattr(DEFAULTS, name))(probability=1.0, **options)})


def _changed(volume: Patch, name: str, seed: int, options: dict[str, Any]) -> tuple[Patch, Patch]:
    """The patch of the middle of a volume, before and after a change."""
    parameters = only(name, **options)
    depth = round(128 * volume.spacing[1] / volume.spacing[0])  # a cube, in nanometres
    size = (min(depth, volume.raw.shape[0]), 128, 128)
    border = margin(parameters, size, volume.spacing)
    shape = [n + 2 * m for n, m in zip(size, border, strict=True)]
    start = [(whole - part) // 2 for whole, part in zip(volume.raw.shape, shape, strict=True)]
    box = tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))
    inner = tuple(slice(m, m + n) for m, n in zip(border, size, strict=True))
    arrays = {"raw": volume.raw[box].astype(np.float32), "ids": volume.ids[box]}
    after = augment(arrays, size, volume.spacing, parameters, np.random.default_rng(seed))
    before = Patch(volume.title, arrays["raw"][inner], arrays["ids"][inner], volume.spacing)
    return before, Patch("after", after["raw"], after["ids"], volume.spacing)


def _costs(rounds: int) -> dict[str, float]:
    """Milliseconds of CPU of a patch, the median of `rounds`, all taken in turn; MONAI's counterparts beside them."""
    import torch

    torch.set_num_threads(1)  # as in a data worker
    measured: dict[str, list[float]] = {}
    jobs = {name: _job(only(name)) for name in CHANGES} | {"all": _job(DEFAULTS)} | _monai_jobs()
    for turn in range(-1, rounds):
        for name, job in jobs.items():
            for part in range(12 if name == "all" and turn >= 0 else 1):
                begin = time.process_time()
                job(100 * turn + part + 100)
                if turn >= 0:
                    measured.setdefault(name, []).append(1000 * (time.process_time() - begin))
    return {
        name: statistics.mean(values) if name == "all" else statistics.median(values)
        for name, values in measured.items()
    }


def _job(parameters: EmAugmentationParameters) -> Callable[[int], Any]:
    spacing = (30.0, 6.0, 6.0)
    prepare(parameters)
    shape = [n + 2 * m for n, m in zip(SIZE, margin(parameters, SIZE, spacing), strict=True)]
    arrays = {"raw": np.random.default_rng(0).normal(size=shape).astype(np.float32), "ids": _blocks(shape)}
    arrays["classes"] = (arrays["ids"] % 4).astype(np.int8)
    return lambda seed: augment(arrays, SIZE, spacing, parameters, np.random.default_rng(seed))


def _blocks(shape: Sequence[int]) -> np.ndarray:
    """Instances of 16 x 32 x 32 voxels."""
    z, y, x = np.indices(shape)
    return 1 + (z // 16) * 10_000 + (y // 32) * 100 + x // 32


def _monai_jobs() -> dict[str, Callable[[int], Any]]:
    from monai.transforms import Rand3DElastic, RandGaussianNoise

    raw = np.random.default_rng(0).normal(size=(1, *SIZE)).astype(np.float32)
    elastic = Rand3DElastic(sigma_range=(5, 6), magnitude_range=(20, 30), prob=1, padding_mode="border")
    noise = RandGaussianNoise(prob=1, std=0.3)
    return {
        "Rand3DElastic": lambda seed: elastic.set_random_state(seed)(raw),
        "RandGaussianNoise": lambda seed: noise.set_random_state(seed)(raw),
    }


def _page(costs: dict[str, float]) -> str:
    figures = {name: f"{cost:.0f}" if cost >= 10 else f"{cost:.1f}" for name, cost in costs.items()}
    rows = "\n".join(
        f"| [{text.title}](#{text.anchor}) | `{name}` | {getattr(DEFAULTS, name).probability:g} | {text.moves} "
        f"| {text.built_on} | {figures[name]} |"
        for name, text in CHANGE_TEXTS.items()
    )
    parts = [OPENING.format(rows=rows, **figures)]
    for name, text in CHANGE_TEXTS.items():
        picture = f"![{text.title}](images/augmentation_{name}.png)"
        parts.append(f"## {text.title}\n\n{_wrapped(text.text.format(**figures))}\n\n{picture}\n\n{_fields(name)}")
    return "\n".join([*parts, CLOSING.format(**figures)])


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_on_hyphens=False, break_long_words=False)


def _fields(name: str) -> str:
    section = getattr(DEFAULTS, name)
    lines = ["| parameter | default | meaning |", "|---|---|---|"]
    for field, info in type(section).model_fields.items():
        value = getattr(section, field)
        shown = f"[{value[0]:g}, {value[1]:g}]" if isinstance(value, tuple) else f"{value:g}"
        lines.append(f"| `{name}.{field}` | {shown} | {info.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
