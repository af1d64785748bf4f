"""The segmentation network: one trunk; a semantic, an embedding and an affinity head, and an auxiliary one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from neuropil.em.layout import layers
from neuropil.em.residual_unet import ResidualUNet
from neuropil.em.shape_descriptors import descriptor_count
from neuropil.errors import InputError

HEADS = ("semantic", "embedding", "affinity")


class EmNetwork(nn.Module):
    """Grey values to class logits, embeddings and affinity logits.

    With `encoder_name: vista3d` the trunk is MONAI's SegResNetDS2 (the image encoder of VISTA3D, He et al.
    2024): one encoder and two decoders, of which one carries the semantic head and the other the embedding and
    affinity heads. `segresnet` is SegResNetDS with one decoder for all; `residual_unet` a small U-Net.

    Args:
        encoder_name: vista3d, segresnet or residual_unet.
        feature_size: width of the first level.
        num_classes: channels of the semantic head.
        emb_dim: channels of the embedding head.
        offsets: voxel pairs of the affinity head, one channel each, (z, y, x).
        spacing_nm: voxel size (z, y, x) that the trunk's anisotropy is planned for.
        spatial_dims: 2 reads sections (batch, 1, y, x), 3 boxes (batch, 1, z, y, x).
        lsd: whether there is a head `lsd` of local shape descriptors (`neuropil.em.shape_descriptors`), on the trunk
            of the affinities; it gives logits of descriptors and serves training only.
    """

    def __init__(
        self,
        *,
        encoder_name: str,
        feature_size: int,
        num_classes: int,
        emb_dim: int,
        offsets: Sequence[Sequence[int]],
        spacing_nm: Sequence[float],
        spatial_dims: int,
        lsd: bool = False,
    ) -> None:
        super().__init__()
        self.hyperparameters: dict[str, Any] = {
            "encoder_name": encoder_name,
            "feature_size": feature_size,
            "num_classes": num_classes,
            "emb_dim": emb_dim,
            "offsets": [list(map(int, offset)) for offset in offsets],
            "spacing_nm": [float(value) for value in spacing_nm],
            "spatial_dims": spatial_dims,
            **({"lsd": True} if lsd else {}),
        }
        self.two_trunks = encoder_name == "vista3d"
        self.trunk, self.multiple = _trunk(encoder_name, feature_size, tuple(spacing_nm)[-spatial_dims:])
        conv, _, _ = layers(spatial_dims)
        channels = {"semantic": num_classes, "embedding": emb_dim, "affinity": len(offsets)}
        if lsd:
            channels["lsd"] = descriptor_count(spatial_dims)
        self.heads = nn.ModuleDict({name: conv(feature_size, count, 1) for name, count in channels.items()})

    def forward(self, x: Tensor, heads: Sequence[str] = HEADS) -> dict[str, Tensor]:
        """The asked heads' outputs, each (batch, channels, ...) with the sizes of `x` (batch, 1, ...).

        Every size must be a multiple of `multiple`.
        """
        if self.two_trunks:
            instance = any(name != "semantic" for name in heads)
            trunk, semantic = self.trunk(x, with_point=instance, with_label="semantic" in heads)
        else:
            trunk = semantic = self.trunk(x)
        features = {"semantic": semantic, "embedding": trunk, "affinity": trunk, "lsd": trunk}
        return {name: self.heads[name](_first(features[name])) for name in heads}


def _first(features: Tensor | list[Tensor]) -> Tensor:
    return features[0] if isinstance(features, list) else features


def _trunk(encoder_name: str, width: int, spacing: tuple[float, ...]) -> tuple[nn.Module, tuple[int, ...]]:
    """The trunk and the numbers that each size must be a multiple of."""
    if encoder_name == "residual_unet":
        small = ResidualUNet(spacing, width)
        return small, small.multiple
    try:
        from monai.networks.nets.segresnet_ds import SegResNetDS, SegResNetDS2
    except ImportError as error:
        raise InputError(
            f"em_segmentation.model.encoder_name={encoder_name} needs MONAI 1.5 or newer: pip install 'monai>=1.5'"
        ) from error
    options: dict[str, Any] = {
        "spatial_dims": len(spacing), "init_filters": width, "in_channels": 1, "out_channels": width,
        "blocks_down": (1, 2, 2, 4, 4), "norm": "instance", "resolution": spacing,
    }  # fmt: skip
    trunk = (SegResNetDS2 if encoder_name == "vista3d" else SegResNetDS)(**options)
    return trunk, tuple(int(factor) for factor in trunk.shape_factor())
