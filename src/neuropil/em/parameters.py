"""Parameters of em_segmentation: the guide's names and defaults, and what this project adds to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from neuropil.em.augmentation.parameters import EmAugmentationParameters
from neuropil.parameters import Lengths3, Positive, Ratio, Section, Size3
from neuropil.training.parameters import TrainingParameters

Fraction = Annotated[float, Field(gt=0, lt=0.5)]
Weight = Annotated[float, Field(ge=0)]


class EmModelParameters(Section):
    """The network: one encoder; a semantic, an embedding and an affinity head."""

    type: Literal["vista2d", "vista3d"] = Field("vista2d", description="vista2d reads slices, vista3d reads boxes")
    encoder_name: Literal["vista3d", "segresnet", "residual_unet"] = Field(
        "vista3d", description="vista3d: SegResNetDS2 of MONAI; segresnet: SegResNet; residual_unet: a small one"
    )
    feature_size: Positive = Field(48, description="width of the first level")
    num_classes: int = Field(16, ge=2, le=255, description="classes of the semantic head")
    emb_dim: Positive = Field(16, description="dimensions of the embedding")
    affinity_reach_nm: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (30.0, 60.0, 120.0), description="distances of the voxel pairs that affinities join, besides neighbours"
    )

    @property
    def spatial_dims(self) -> int:
        """2 or 3."""
        return 2 if self.type == "vista2d" else 3


class EmSplitParameters(Section):
    """Which part of each volume trains, which calibrates, which is only scored."""

    protocol: Literal["published", "gap", "volume"] = Field(
        "published",
        description="published: whole volumes where the source says what each is for, the parts it leaves open cut "
        "by a gap; gap: every volume is cut in three; volume: whole volumes, never cut",
    )
    val_fraction: Fraction = Field(
        0.15, description="share of the extent (gaps left out) for validation and calibration"
    )
    test_fraction: Fraction = Field(0.15, description="share of the extent (gaps left out) that is only scored")
    gap_nm: float = Field(200.0, ge=0, description="what is left out between two parts, nanometres")
    axis: Literal["auto", "z", "y", "x"] = Field(
        "auto", description="along which the parts follow each other; auto: z, or the longer side of flat volumes"
    )


class EmSamplingParameters(Section):
    """How the places of training patches are drawn; the three shares are divided by their sum."""

    uniform: Weight = Field(1.0, description="share of the patches drawn evenly over the voxels")
    classes: Weight = Field(0.0, description="share drawn about a voxel of a class, every class as often as another")
    instances: Weight = Field(0.0, description="share drawn about a voxel of an instance")
    instance_power: Ratio = Field(
        0.5, description="an instance is drawn in proportion to its voxels to this power; 0 = each as often"
    )

    @model_validator(mode="after")
    def _possible(self) -> EmSamplingParameters:
        if self.uniform + self.classes + self.instances == 0:
            raise ValueError("uniform, classes and instances are all 0; one of them must be above 0")
        return self


class EmDataParameters(Section):
    """Patches for training."""

    slice_mode: bool = Field(True, description="patches are single sections (needs model.type vista2d)")
    patch_size: Size3 = Field((64, 128, 128), description="voxels, (z, y, x); with slice_mode only y and x count")
    batch_size: Positive = 4
    num_workers: int = Field(4, ge=0, description="processes that prepare patches; 0 = this one")
    samples_per_epoch: Positive = Field(1000, description="training patches in an epoch")
    validation_samples: Positive = Field(64, description="validation patches, the same in every epoch")
    erode_labels: int = Field(
        0, ge=0, le=8, description="voxels (in plane) eroded off each instance to make a boundary"
    )
    min_instance_voxels: Positive = Field(32, description="smaller pieces of an instance in a patch are ignored")
    relabel_components: bool = Field(
        True, description="pieces of an instance that do not touch inside a patch are instances of their own"
    )
    voxel_nm: Lengths3 | None = Field(
        None, description="voxel size of the network, nm, (z, y, x); null = that of the largest volume"
    )
    volume_weights: dict[str, Weight] = Field(
        {}, description="how often a source or a volume is drawn; sources not named weigh 1; empty = by their voxels"
    )
    sampling: EmSamplingParameters = EmSamplingParameters()
    cache_rate: Ratio = Field(0.0, description="share of the decoded voxels held in memory; the rest is memory-mapped")
    augmentation: EmAugmentationParameters = EmAugmentationParameters()
    split: EmSplitParameters = EmSplitParameters()


class EmLossParameters(Section):
    """Weights of the losses; a head whose weight is 0 is not trained."""

    weight_semantic: Weight = Field(1.0, description="semantic head: cross-entropy and Dice")
    weight_embedding: Weight = Field(1.0, description="embedding head: discriminative loss")
    weight_affinity: Weight = Field(1.0, description="affinity head: binary cross-entropy and Dice")
    weight_lsd: Weight = Field(
        0.0, description="auxiliary head of local shape descriptors: squared error; 0 = no such head"
    )
    lsd_sigma_nm: float = Field(80.0, gt=0, description="Gaussian window of the local shape descriptors, nanometres")
    ce_weight: Weight = Field(0.5, description="cross-entropy of the semantic head")
    dice_weight: Weight = Field(0.5, description="soft Dice of the semantic head; 0 disables it")
    class_weights: tuple[Weight, ...] | None = Field(None, description="weight of each class in the cross-entropy")
    ignore_index: int = Field(-100, description="class label that the semantic loss ignores")
    weight_pull: Weight = Field(1.0, description="pull embeddings towards the mean of their instance")
    weight_push: Weight = Field(1.0, description="push the means of different instances apart")
    weight_norm: Weight = Field(0.001, description="keep the means near the origin")
    delta_v: float = Field(0.5, gt=0, description="distance to the mean that costs nothing")
    delta_d: float = Field(1.5, gt=0, description="half the distance between means that costs nothing")
    per_class: bool = Field(True, description="push apart the means of instances of one class only")
    push_radius_nm: Annotated[float, Field(gt=0)] | None = Field(
        None, description="push apart only instances that come this near each other; null = all pairs of a patch"
    )
    weight_edge: float = Field(10.0, ge=1, description="weight of voxels whose 3x3x3 neighbourhood holds two labels")
    weight_bone: float = Field(10.0, ge=1, description="weight of voxels on the medial axis")

    @field_validator("ignore_index")
    @classmethod
    def _not_other(cls, value: int) -> int:
        if value == -1:
            raise ValueError("-1 means `none of the annotated classes`; choose another label to ignore, such as -100")
        return value


class EmOptimizerParameters(Section):
    """AdamW with a short warm-up and a cosine to zero."""

    lr: float = Field(1e-3, gt=0, le=1)
    weight_decay: float = Field(1e-4, ge=0, le=1)


class EmDecodingParameters(Section):
    """Affinities to instances."""

    method: Literal["mutex_watershed", "agglomeration", "learned"] = Field(
        "learned",
        description="learned: supervoxels joined by a small classifier taught on the training parts; agglomeration: "
        "joined by mean affinity; mutex_watershed",
    )
    bias_near: tuple[float, ...] = Field(
        (0.2,), min_length=1, description="added to affinities of neighbours; calibration picks one"
    )
    bias_far: tuple[float, ...] = Field(
        (-0.45, -0.35, -0.3, -0.25, -0.2),
        min_length=1,
        description="added to the long affinities; calibration picks one",
    )
    stride: Positive = Field(2, description="mutex watershed: one in stride^dims of the long affinities is used")
    threshold: tuple[Ratio, ...] = Field(
        (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
        min_length=1,
        description="agglomeration joins down to this mean affinity (learned: probability); calibration picks one",
    )
    far_weight: tuple[Weight, ...] = Field(
        (0.0, 0.1, 0.3, 1.0),
        min_length=1,
        description="agglomeration: what a long affinity counts beside one of neighbours; calibration picks one",
    )
    seed_nm: float = Field(20.0, gt=0, description="agglomeration: how far apart the seeds of supervoxels are at least")
    embedding_weight: tuple[Ratio, ...] = Field(
        (0.0, 0.3),
        min_length=1,
        description="share of the embedding's affinities where inference.embedding_affinities makes them; calibration "
        "picks one (learned: its classifier weighs them itself)",
    )
    calibration_blocks: Positive = Field(
        4, description="blocks of block_size that calibration reads of each part, spread over it"
    )
    min_size: int = Field(200, ge=0, description="voxels; smaller fragments are given to their neighbours")
    block_size: Size3 = Field(
        (64, 512, 512), description="what is decoded at once; blocks are joined where they overlap"
    )
    overlap: Size3 = Field((8, 32, 32), description="how far decoded blocks overlap, voxels, (z, y, x)")


class EmInferenceParameters(Section):
    """Windows over a whole volume, blended, written block by block."""

    patch_size: Size3 = Field((64, 128, 128), description="window in voxels, (z, y, x); vista2d: only y and x count")
    overlap: float = Field(0.25, ge=0, le=0.75, description="share of the window that its neighbour covers again")
    aggregation: Literal["gaussian", "constant"] = "gaussian"
    block_size: Size3 = Field(
        (64, 512, 512), description="voxels held in memory at once, written as one resumable item"
    )
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="arithmetic of the network")
    accelerator: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto takes a GPU where there is one")
    symmetries: Literal["none", "flips", "all"] = Field(
        "none",
        description="test-time augmentation, the mean over flips (4 in 2D, 8 in 3D, as many times the computing) or "
        "over flips and exchanges of axes of equal voxel size (all: 8 in 2D, 16 or 48 in 3D)",
    )
    embedding_affinities: bool = Field(
        False, description="make affinities of embeddings inside each window too, as evidence for agglomeration"
    )
    embedding_sigma: float = Field(
        1.5, gt=0, description="s in the affinity exp(-d^2 / (2 s^2)) of two embeddings that are d apart"
    )
    class_id: int | None = Field(None, ge=1, description="keep instances of this class only; null = all voxels")
    output_probs: bool = Field(False, description="write class probabilities beside the instances")
    decoding: EmDecodingParameters = EmDecodingParameters()


class EmSegmentationParameters(Section):
    """All of em_segmentation."""

    model: EmModelParameters = EmModelParameters()
    data: EmDataParameters = EmDataParameters()
    loss: EmLossParameters = EmLossParameters()
    optimizer: EmOptimizerParameters = EmOptimizerParameters()
    training: TrainingParameters = TrainingParameters(gradient_clip_val=1.0)
    inference: EmInferenceParameters = EmInferenceParameters()

    @model_validator(mode="after")
    def _consistent(self) -> EmSegmentationParameters:
        if self.data.slice_mode != (self.model.type == "vista2d"):
            raise ValueError("model.type vista2d goes with data.slice_mode true, vista3d with false")
        weights = self.loss.class_weights
        if weights is not None and len(weights) != self.model.num_classes:
            raise ValueError(
                f"loss.class_weights has {len(weights)} entries, model.num_classes is {self.model.num_classes}"
            )
        if self.data.volume_weights and not any(self.data.volume_weights.values()):
            raise ValueError("data.volume_weights are all 0; one of them must be above 0")
        if self.loss.weight_affinity == 0:
            raise ValueError("loss.weight_affinity is 0, but instances are decoded from the affinity head")
        return self
