"""A network over a region of a volume: overlapping windows, blended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from neuropil.em.layout import channels_last
from neuropil.em.network import EmNetwork
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.volume import Volume
from neuropil.em.windows import Spans, blend_weights, slices, windows
from neuropil.errors import InputError

VERSION = 2


@dataclass(frozen=True)
class Prediction:
    """What the network says of a block.

    Attributes:
        affinities: float32 (offset, z, y, x), 0..1.
        probabilities: float32 (class, z, y, x), summing to 1; None where they were not asked for.
    """

    affinities: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None


class Predictor:
    """A network ready to read volumes.

    Args:
        network: in any state; it is put into evaluation mode.
        parameters: window, overlap, aggregation; class probabilities are made where these ask for them.

    `precision: bf16-mixed` is several times quicker where the processor has bfloat16, at about 1 % relative error.
    """

    def __init__(self, network: EmNetwork, parameters: EmInferenceParameters) -> None:
        self.parameters, self._device = parameters, _device(parameters.accelerator)
        self._bfloat16 = parameters.precision == "bf16-mixed"
        self._dims = int(network.hyperparameters["spatial_dims"])
        self._network = channels_last(network.eval().to(self._device), self._dims)
        self._offsets = len(network.hyperparameters["offsets"])
        self.classes = int(network.hyperparameters["num_classes"])
        self._heads = ("affinity", "semantic") if needs_classes(parameters) else ("affinity",)

    def predict(self, volume: Volume, block: Spans, *, bounds: Spans, mean: float, std: float) -> Prediction:
        """Affinities (and class probabilities) of a block.

        Args:
            volume: the open volume; at most one window is read at a time.
            block: the voxels wanted.
            bounds: the voxels that may be read; windows lie on one grid over them.
            mean: of the volume's grey values.
            std: of the volume's grey values.
        """
        shape = tuple(stop - start for start, stop in block)
        origin = tuple(start for start, _ in block)
        sums = np.zeros((self._offsets, *shape), np.float32)
        odds = np.zeros((self.classes, *shape), np.float32) if "semantic" in self._heads else None
        total = np.zeros(shape, np.float32)
        size = (1, *self.parameters.patch_size[1:]) if self._dims == 2 else self.parameters.patch_size
        for window in windows(bounds, size, self.parameters.overlap, block):
            output = self._window((volume.raw[slices(window)].astype(np.float32) - mean) / std)
            weight = blend_weights([stop - start for start, stop in window], self.parameters.aggregation)
            common = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(window, block, strict=True))
            inner = slices(common, [start for start, _ in window])
            outer = slices(common, origin)
            total[outer] += weight[inner]
            sums[(slice(None), *outer)] += output["affinity"][(slice(None), *inner)] * weight[inner]
            if odds is not None:
                odds[(slice(None), *outer)] += output["semantic"][(slice(None), *inner)] * weight[inner]
        sums /= total
        return Prediction(sums, None if odds is None else odds / total)

    def _window(self, raw: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """The heads' outputs (channel, z, y, x) on one window; sizes are filled up by mirroring and cut again."""
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
            values = logits.float()[keep]
            values = values.sigmoid() if name == "affinity" else values.softmax(1)
            array = values.cpu().numpy()
            arrays[name] = array.swapaxes(0, 1) if self._dims == 2 else array[0]
        return arrays


def _device(accelerator: str) -> torch.device:
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("em_segmentation.inference.accelerator=gpu: no GPU is there; choose cpu or auto")
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def needs_classes(parameters: EmInferenceParameters) -> bool:
    """Whether the semantic head has to be evaluated."""
    return parameters.class_id is not None or parameters.output_probs


def whole(shape: Sequence[int]) -> Spans:
    """The bounds of a whole volume."""
    z, y, x = ((0, int(size)) for size in shape)
    return z, y, x
