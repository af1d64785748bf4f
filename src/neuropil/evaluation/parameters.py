"""Parameters of the evaluation (the guide's Step 5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from neuropil.parameters import Length, Positive, Section, Words

TEMPLATES = ("a {}", "the morphology of a {}", "a reconstruction of a {}", "a tracing of a {}")


Feature = Literal["traits", "morphometrics", "persistence", "tangents", "pictures"]
FEATURES: tuple[Feature, ...] = ("traits", "morphometrics", "persistence", "tangents", "pictures")


class BaselineParameters(Section):
    """What features that nothing learnt reach: described neurons, frozen folds, three protocols."""

    enabled: bool = Field(True, description="score features without learning, under folds of all neurons of the run")
    features: Annotated[tuple[Feature, ...], Words] = Field(
        FEATURES, min_length=1, description="which: traits, morphometrics, persistence, tangents, pictures"
    )
    labels: Annotated[tuple[str, ...], Words] = Field(
        ("cell_class", "layer", "mtype", "laboratory"),
        min_length=1,
        description="what is classified: as evaluation.labels, and laboratory",
    )
    folds: int = Field(5, ge=2, le=50, description="of each repeat")
    seeds: int = Field(3, ge=1, le=100, description="repeats: each divides the neurons anew and grows new forests")
    min_cells: Positive = Field(10, description="classes with fewer neurons are rare")
    rare: Literal["leave_out", "merge"] = Field(
        "leave_out", description="what becomes of rare classes: left out, or merged into one called other"
    )
    most_neurons: int = Field(2000, ge=2, description="of more neurons so many are drawn by the hash of their names")
    tangent_points: int = Field(300, ge=8, le=5000, description="points a neuron for the tangent similarity")
    tangent_um: Length = Field(
        25.0, description="micrometres at which a parallel pair of points still counts .78 in the tangent similarity"
    )
    frame_um: Length = Field(1500.0, description="micrometres across, of the picture at a fixed scale")


class EvaluationParameters(Section):
    """How neurons are embedded and scored, on the test part of the split."""

    pooling: Literal["mean", "max"] = Field("mean", description="how the views of a neuron become one embedding")
    batch_size: Positive = Field(64, description="views that are embedded at a time")
    labels: tuple[str, ...] = Field(
        ("cell_class", "layer", "region"),
        description="what is classified: cell_class, layer, region, species or a label of the metadata (mtype)",
    )
    prompt_templates: tuple[str, ...] = Field(
        TEMPLATES, min_length=1, description="prompts of a class, averaged; {} stands for its noun phrase"
    )
    min_test_cells: Positive = Field(3, description="classes with fewer test neurons are left out, and reported")
    neighbours: Positive = Field(5, description="k of the nearest-neighbour baselines")
    bootstrap: int = Field(1000, ge=100, description="resamples of the neurons behind each 95 % interval")
    perplexity: float = Field(20.0, gt=1, description="t-SNE: about how many neighbours a neuron has")
    baselines: BaselineParameters = BaselineParameters()

    @field_validator("prompt_templates")
    @classmethod
    def _with_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        bad = [text for text in templates if text.count("{}") != 1]
        if bad:
            raise ValueError(f"each template needs exactly one {{}}, {bad[0]!r} has not")
        return templates
