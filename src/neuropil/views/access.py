"""The one door to views: from files or drawn online, for trainings, scores and embeddings alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.views.dataset import ViewDataset
from neuropil.views.manifest import read_manifest
from neuropil.views.parameters import AugmentationParameters, ViewsParameters
from neuropil.views.sources import PlaneSource, PngViews
from neuropil.work.index import Index


@dataclass(frozen=True)
class ViewAccess:
    """Where the views of a run come from.

    Attributes:
        view_store: to which the picture files of the records are relative.
        neuron_store: to which the SWC files of the records are relative; needed where views are drawn online.
        parameters: the section `views`.
    """

    view_store: Path
    neuron_store: Path | None = None
    parameters: ViewsParameters = field(default_factory=ViewsParameters)

    def read(self, manifest: Path | str | Index | Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The records of a manifest (`manifest.read_manifest`), checked for what this source needs."""
        return read_manifest(manifest, self.parameters.source)

    def open(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        augmentation: AugmentationParameters | None = None,
        seed: int = 0,
        once: bool = False,
    ) -> ViewDataset:
        """A dataset of views.

        Args:
            records: of the manifest.
            augmentation: of training views, which are also the only ones whose neurons are changed; None for others.
            seed: with the epoch and the index it decides every random change.
            once: each view will be asked for once, so files are not kept in memory.
        """
        return ViewDataset(records, self._source(once), augmentation=augmentation, seed=seed)

    def _source(self, once: bool) -> PlaneSource:
        if self.parameters.source == "png":
            return PngViews(self.view_store, 0 if once else self.parameters.cache_mib)
        if self.neuron_store is None:
            raise InputError("views.source=online: no neurons to draw; run the ingestion pipeline, or take png")
        from neuropil.views.online import OnlineViews  # compiled kernels: only where they are needed

        return OnlineViews(self.neuron_store, self.parameters)
