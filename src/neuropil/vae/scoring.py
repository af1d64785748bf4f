"""Scores of a trained SegVAE2D on views that chose nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from neuropil.rendering.segments import CLASSES
from neuropil.statistics.intervals import bootstrap
from neuropil.statistics.scores import Score
from neuropil.training.seeding import derived_seed
from neuropil.vae.baselines import Baselines
from neuropil.vae.losses import kl_elements
from neuropil.vae.module import LATENTS
from neuropil.vae.network import Latent, SegVAE2D, resized
from neuropil.vae.overlap import Counts, Overlap, class_dice, class_iou, depth_mae, mean_dice, mean_iou
from neuropil.views.access import ViewAccess
from neuropil.work.progress import Progress

_BATCH = 8
_ACTIVE = 0.01  # variance of a unit's mean over the data above which it is active (Burda et al. 2016)
_METHODS = ("vae", "vae, skips from their prior", "nearest training view", "majority class, mean depth")
_HEADLINES = ("foreground mean IoU", "mean absolute error")
_FIGURES: tuple[tuple[str, str, Callable[[Counts], float], str], ...] = (
    ("compartments from the silhouette", "foreground mean IoU", mean_iou, "higher"),
    ("compartments from the silhouette", "foreground mean Dice", mean_dice, "higher"),
    ("depth from the silhouette", "mean absolute error", depth_mae, "lower"),
)


def score_vae(
    network: SegVAE2D,
    test: Sequence[Mapping[str, Any]],
    train: Sequence[Mapping[str, Any]],
    *,
    views: ViewAccess,
    split: str,
    seed: int,
) -> dict[str, Any]:
    """Compartments and depth on the test views beside two baselines, and how the latents are used.

    Args:
        network: trained.
        test: manifest records; intervals are bootstrapped over their neurons.
        train: manifest records the baselines learn from.
        views: where the views come from.
        split: hash of the split.
        seed: of the draws from the prior and of the bootstrap.

    Returns:
        {"scores": rows of `Score`, "per_class": {method: {class: {"iou", "dice"}}}, "latents": {latent:
        {"channels", "kl_nats_per_element", "active_units"}}, "views", "neurons"}. Depths are shares of a neuron's
        extent in depth.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.eval().to(device)
    baselines = Baselines(train, views, network.num_classes)
    overlaps = {method: Overlap(network.num_classes) for method in _METHODS}
    latents = {name: LatentUse() for name, _ in zip(LATENTS, range(1 + len(network.to_skip)), strict=False)}
    with torch.random.fork_rng():
        torch.manual_seed(derived_seed(seed, "vae", "prior"))
        for number, truth, predictions in _predictions(network, test, views, latents):
            silhouette = truth[0] > 0
            predictions |= zip(
                _METHODS[2:], (baselines.nearest(silhouette), baselines.majority(silhouette)), strict=True
            )
            for method, prediction in predictions.items():
                overlaps[method].add(test[number]["neuron_name"], prediction[0], truth[0], prediction[1], truth[1])
    tables = {method: overlap.table() for method, overlap in overlaps.items()}
    return {
        "scores": [row.record() for row in _rows(tables, split, seed)],
        "per_class": {method: _per_class(table) for method, table in tables.items()},
        "latents": {name: use.record() for name, use in latents.items()},
        "views": len(test),
        "neurons": len(tables["vae"]),
    }


class LatentUse:
    """How much a latent map tells of the images: KL divergence and active units."""

    def __init__(self) -> None:
        self._count = 0
        self._sums: NDArray[np.float64] = np.zeros((3, 1))

    def add(self, latent: Latent) -> None:
        """Count the maps of a batch."""
        mu = latent.mu.double()
        sums = [value.sum(dim=(0, 2, 3)) for value in (kl_elements(latent).double(), mu, mu**2)]
        self._sums = self._sums + torch.stack(sums).cpu().numpy()
        self._count += mu.shape[0] * mu.shape[2] * mu.shape[3]

    def record(self) -> dict[str, float | int]:
        """KL per element (nats, mean over channels and places) and the channels whose mean varies over 0.01."""
        kl, mean, square = self._sums / max(self._count, 1)
        return {
            "channels": int(kl.size),
            "kl_nats_per_element": round(float(kl.mean()), 6),
            "active_units": int(((square - mean**2) > _ACTIVE).sum()),
        }


@torch.inference_mode()
def _predictions(
    network: SegVAE2D, records: Sequence[Mapping[str, Any]], views: ViewAccess, latents: dict[str, LatentUse]
) -> Iterator[tuple[int, tuple[NDArray, NDArray], dict[str, tuple[NDArray, NDArray]]]]:
    """For each view its number, its truth and the network's predictions: classes and depth, with and without skips."""
    device = next(network.parameters()).device
    with Progress("scoring vae_pretrain", len(records)) as progress:
        for batch in DataLoader(views.open(records, once=True), batch_size=_BATCH):
            output = network(batch["image"].to(device))
            for use, latent in zip(latents.values(), (output.bottleneck, *output.skips), strict=True):
                use.add(latent)
            small = network.decode(output.bottleneck.z, network.prior_skips(output.bottleneck.z))
            alone = resized(small[0], batch["image"]), resized(small[1][:, None], batch["image"])[:, 0]
            # Like the baselines, the network is told the silhouette: it is its input, the classes in it are asked.
            silhouette = batch["image"][:, 0] > 0
            with_skips, without = (
                (torch.where(silhouette, logits[:, 1:].argmax(1).cpu() + 1, 0).numpy(), depth.cpu().numpy())
                for logits, depth in ((output.logits, output.depth), alone)
            )
            for place, number in enumerate(batch["index"].tolist()):
                truth = batch["mask"][place].numpy(), batch["depth"][place].numpy()
                named = zip(_METHODS[:2], (with_skips, without), strict=True)
                yield number, truth, {name: (classes[place], depth[place]) for name, (classes, depth) in named}
            progress.advance(len(batch["index"]))


def _rows(tables: Mapping[str, Counts], split: str, seed: int) -> Iterator[Score]:
    for task, metric, figure, better in _FIGURES:
        for method, table in tables.items():
            value = figure(table)
            if not np.isfinite(value):
                continue
            low, high = bootstrap(figure, table, seed=seed) if len(table) > 1 else (None, None)
            headline = method == _METHODS[0] and metric in _HEADLINES
            row = Score(task, metric, method, value, low, high, n=len(table), split=split, better=better)
            yield replace(row, headline=headline)


def _per_class(table: Counts) -> dict[str, dict[str, float | None]]:
    named = {}
    for number, (iou, dice) in enumerate(zip(class_iou(table), class_dice(table), strict=True)):
        name = CLASSES[number] if number < len(CLASSES) else f"class {number}"
        named[name] = {key: round(float(v), 6) if np.isfinite(v) else None for key, v in (("iou", iou), ("dice", dice))}
    return named
