"""A network over a region of a volume: overlapping windows, blended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from neuropil.em.embedding_affinities import embedding_affinities, inside
from neuropil.em.layout import channels_last
from neuropil.em.network import EmNetwork
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.symmetries import seen_from_all_sides, symmetries
from neuropil.em.volume import Volume
from neuropil.em.windows import Spans, blend_weights, slices, windows
from neuropil.errors import InputError
from neuropil.training.checkpoints import load_hyperparameters

VERSION = 2


@dataclass(frozen=True)
class Prediction:
    """What the network says of a block.

    Attributes:
        affinities: float32 (offset, z, y, x), 0..1.
        probabilities: float32 (class, z, y, x), summing to 1; None where they were not asked for.
        embedding_affinities: float32 (offset, z, y, x), 0..1, of the embeddings inside each window; where no window
            holds both voxels of a pair, as at the border of what may be read, those of the affinity head. None where
            they were not asked for.
    """

    affinities: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None
    embedding_affinities: NDArray[np.float32] | None = None


class Predictor:
    """A network ready to read volumes.

    Args:
        network: in any state; it is put into evaluation mode.
        parameters: window, overlap, aggregation, symmetries; class probabilities and embedding affinities are made
            where these ask for them.

    `precision: bf16-mixed` is several times quicker where the processor has bfloat16, at about 1 % relative error.
    """

    def __init__(self, network: EmNetwork, parameters: EmInferenceParameters) -> None:
        self.parameters, self._device = parameters, _device(parameters.accelerator)
        self._bfloat16 = parameters.precision == "bf16-mixed"
        self._dims = int(network.hyperparameters["spatial_dims"])
        self._network = channels_last(network.eval().to(self._device), self._dims)
        self._offsets = [tuple(offset) for offset in network.hyperparameters["offsets"]]
        self._sides = symmetries(parameters.symmetries, self._dims, network.hyperparameters["spacing_nm"])
        self.classes = int(network.hyperparameters["num_classes"])
        asked = {"affinity": True, "semantic": needs_classes(parameters), "embedding": parameters.embedding_affinities}
        self._heads = [name for name, wanted in asked.items() if wanted]

    def predict(self, volume: Volume, block: Spans, *, bounds: Spans, mean: float, std: float) -> Prediction:
        """Affinities of a block, and what else the parameters ask for.

        Args:
            volume: the open volume; at most one window is read at a time.
            block: the voxels wanted.
            bounds: the voxels that may be read; windows lie on one grid over them.
            mean: of the volume's grey values.
            std: of the volume's grey values.
        """
        shape = tuple(stop - start for start, stop in block)
        origin = tuple(start for start, _ in block)
        channels = {"affinity": len(self._offsets), "semantic": self.classes, "embedding": len(self._offsets)}
        sums = {name: np.zeros((channels[name], *shape), np.float32) for name in self._heads}
        total = np.zeros(shape, np.float32)
        held = np.zeros((len(self._offsets), *shape), np.float32) if "embedding" in self._heads else None
        size = (1, *self.parameters.patch_size[1:]) if self._dims == 2 else self.parameters.patch_size
        for window in windows(bounds, size, self.parameters.overlap, block):
            output = self._window((volume.raw[slices(window)].astype(np.float32) - mean) / std)
            weight = blend_weights([stop - start for start, stop in window], self.parameters.aggregation)
            common = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(window, block, strict=True))
            inner = slices(common, [start for start, _ in window])
            outer = slices(common, origin)
            total[outer] += weight[inner]
            for name, values in output.items():  # of embeddings, what leaves the window is 0 and weighs nothing
                sums[name][(slice(None), *outer)] += values[(slice(None), *inner)] * weight[inner]
            if held is not None:
                held[(slice(None), *outer)] += (inside(weight.shape, self._offsets) * weight)[(slice(None), *inner)]
        affinities = sums["affinity"] / total
        odds = sums["semantic"] / total if "semantic" in sums else None
        near = None if held is None else np.divide(sums["embedding"], held, out=affinities.copy(), where=held > 0)
        return Prediction(affinities, odds, near)

    def _window(self, raw: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs (channel, z, y, x) on one window, the mean over the symmetries."""
        pairs = ("affinity", "embedding")
        return seen_from_all_sides(self._outputs, raw, self._sides, of_pairs=pairs, offsets=self._offsets)

    def _outputs(self, raw: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The outputs (channel, z, y, x) on one window; sizes are filled up by mirroring and cut again."""
        size = raw.shape[3 - self._dims :]
        fill = [-length % multiple for length, multiple in zip(size, self._network.multiple, strict=True)]
        padded = np.pad(raw, [(0, 0)] * (3 - self._dims) + [(0, more) for more in fill], mode="symmetric")
        # In 2D the sections of a window are a batch; in 3D the window is a batch of one.
        tensor = torch.from_numpy(padded[:, None] if self._dims == 2 else padded[None, None]).to(self._device)
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            output = self._network(channels_last(tensor, self._dims), self._heads)
        keep = (slice(None), slice(None), *(slice(length) for length in size))
        arrays = {}
        for name, logits in output.items():
            values = logits[keep].float()
            values = values.transpose(0, 1) if self._dims == 2 else values[0]
            arrays[name] = self._meaning(name, values).cpu().numpy()
        return arrays

    def _meaning(self, head: str, values: torch.Tensor) -> torch.Tensor:
        """What a head's output (channel, z, y, x) says: affinities or class probabilities."""
        if head == "embedding":
            return embedding_affinities(values, self._offsets, self.parameters.embedding_sigma)
        return values.sigmoid() if head == "affinity" else values.softmax(0)


def _device(accelerator: str) -> torch.device:
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("em_segmentation.inference.accelerator=gpu: no GPU is there; choose cpu or auto")
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def needs_classes(parameters: EmInferenceParameters) -> bool:
    """Whether the semantic head has to be evaluated."""
    return parameters.class_id is not None or parameters.output_probs


def check_trained(checkpoint: Path, parameters: EmInferenceParameters) -> None:
    """Refuse to read heads that the checkpoint's training left as they were drawn.

    Raises:
        InputError: embedding affinities are asked for and the embedding head has no training.
    """
    if not parameters.embedding_affinities:
        return
    loss = load_hyperparameters(checkpoint).get("loss", {})
    if loss.get("weight_embedding") == 0:
        raise InputError(
            f"{checkpoint}: trained with em_segmentation.loss.weight_embedding=0, so its embeddings mean nothing; "
            "set em_segmentation.inference.embedding_affinities=false or train with a weight above 0"
        )


def whole(shape: Sequence[int]) -> Spans:
    """The bounds of a whole volume."""
    z, y, x = ((0, int(size)) for size in shape)
    return z, y, x
