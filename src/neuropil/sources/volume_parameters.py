"""Where EM volumes come from: sections `ingestion.volumes.*`. Every address and checksum is a default, none a constant.

Sizes, positions and resolutions are (z, y, x).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.parameters import Length, Lengths3, Section, Size3, Words, _as_text, _split_sizes

Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
StoreUrl = Annotated[str, Field(pattern=r"^(https?|s3|gs|file)://[^\s]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Place = Annotated[int, Field(ge=0)]
Position3 = Annotated[
    tuple[_Place, _Place, _Place], BeforeValidator(_split_sizes), PlainSerializer(_as_text, when_used="json")
]
"""A voxel's place, (z, y, x), written as a size is."""

CremiSample = Literal["A", "B", "C"]
MitoemDataset = Literal["beta", "jurkat", "macro", "mossy", "podo", "pyra", "sperm", "stem", "human", "rat"]
MITOEM2 = ("beta", "jurkat", "macro", "mossy", "podo", "pyra", "sperm", "stem")

_ZENODO_SNEMI = "https://zenodo.org/records/7142003/files/snemi.zip?download=1"
_EMBL = "https://oc.embl.de/index.php/s"
_CREMI = "https://cremi.org/static/data"
_ZENODO_MITOEM2 = "https://zenodo.org/records/17635006/files"
_HUGGING_FACE = "https://huggingface.co/datasets/pytc"
_HUGGING_FACE_HOSTS = ("*.huggingface.co", "*.hf.co")
_DROPBOX = "https://www.dropbox.com/s"
_DROPBOX_HOSTS = ("*.dropbox.com", "*.dropboxusercontent.com")
_MICRONS = "iarpa_microns/minnie/minnie65"


class RemoteFile(Section):
    """A published file."""

    url: Url
    sha256: Sha256 | None = Field(None, description="its checksum; null = none was published")
    md5: Md5 | None = Field(None, description="as sha256, where that is what was published")
    hosts: tuple[str, ...] = Field((), description="hosts it may redirect to besides its own; *.name: all below name")


class SnemiVolumes(Section):
    """SNEMI3D: AC4 (train) and AC3 (test), mouse cortex."""

    path: Path | None = Field(
        None, description="folder (or snemi.zip) that holds it already, in any of its layouts; null = fetch it"
    )
    origin: Literal["zenodo", "mirror"] = Field(
        "zenodo", description="what is fetched: the zip of TIFF stacks on Zenodo, or the HDF5 mirror"
    )
    zenodo: RemoteFile = RemoteFile(url=_ZENODO_SNEMI, md5="3d25a7025f66698f33c7850ace885939")
    mirror_train: RemoteFile = RemoteFile(
        url=f"{_EMBL}/43iMotlXPyAB39z/download",
        sha256="5b130a24d9eb23d972fede0f1a403bc05f6808b361cfa22eff23b930b12f0615",
    )
    mirror_test: RemoteFile | None = RemoteFile(
        url=f"{_EMBL}/aRhphk35H23De2s/download",
        sha256="3df3920a0ddec6897105845f842b2665d37a47c2d1b96d4f4565682e315a59fa",
    )
    resolution_nm: Lengths3 = Field((30.0, 6.0, 6.0), description="voxel size, where a file does not say it")
    most_gb: Length = Field(4.0, description="a download that is larger, or unpacks to more, is refused")


class CremiVolumes(Section):
    """CREMI: samples A, B, C, Drosophila brain. Three volumes, never one."""

    path: Path | None = Field(None, description="folder that holds the samples already; null = fetch them")
    samples: Annotated[tuple[CremiSample, ...], Words] = Field(("A", "B", "C"), min_length=1)
    form: Literal["cropped", "padded"] = Field(
        "cropped", description="padded: raw data reach beyond the labels on every side"
    )
    test: bool = Field(False, description="also A+, B+, C+, which have no public labels")
    cropped: Url = Field(f"{_CREMI}/sample_{{sample}}_20160501.hdf", description="address, with {sample}")
    padded: Url = Field(f"{_CREMI}/sample_{{sample}}_padded_20160501.hdf", description="address, with {sample}")
    unlabelled: Url = Field(f"{_CREMI}/sample_{{sample}}+_20160601.hdf", description="address, with {sample}")
    sha256_cropped: dict[CremiSample, Sha256 | None] = Field(
        {
            "A": "4c563d1b78acb2bcfb3ea958b6fe1533422f7f4a19f3e05b600bfa11430b510d",
            "B": "887e85521e00deead18c94a21ad71f278d88a5214c7edeed943130a1f4bb48b8",
            "C": "2874496f224d222ebc29d0e4753e8c458093e1d37bc53acd1b69b19ed1ae7052",
        },
        description="by sample; null = not checked",
    )
    sha256_padded: dict[CremiSample, Sha256 | None] = Field(
        {
            "A": "c95dc4497ce0f0e7b70507c7253230fda95325ee91ea0d3253c9ef94b197050a",
            "B": "22917a25092d0b80175012c152da33e1a1d82e049c4a96dc747145d5ca5d1b87",
            "C": "aba27b165ef005d5fbebe0e3f8775ac903cf273b7e20381dff664d45065a3314",
        },
        description="by sample; null = not checked",
    )
    resolution_nm: Lengths3 = Field((40.0, 4.0, 4.0), description="voxel size, where a file does not say it")
    most_gb: Length = Field(8.0, description="a download that is larger is refused")


class MitoemV1(Section):
    """One of the two volumes of MitoEM's first version."""

    images: RemoteFile
    labels: RemoteFile


class MitoemVolumes(Section):
    """MitoEM 2.0, mitochondria of eight tissues; and the two volumes, human and rat cortex, of its first version."""

    path: Path | None = Field(
        None, description="folder that holds it already: DatasetNNN_ME2-NAME, or human and rat; null = fetch it"
    )
    datasets: Annotated[tuple[MitoemDataset, ...], Words] | None = Field(
        None,
        min_length=1,
        description="which, joined by + on the command line; null = all on disk, or the eight of version 2 (17.5 GB)",
    )
    unlabelled: bool = Field(False, description="also volumes without public labels (the test sections of version 1)")
    url: Url = Field(f"{_ZENODO_MITOEM2}/{{file}}", description="address of version 2, with {file}")
    checksums: Url | None = Field(
        f"{_ZENODO_MITOEM2}/checksums.txt", description="SHA-256 by file; null = files are not checked"
    )
    files: dict[MitoemDataset, str] = Field(
        {name: f"Dataset{number:03}_ME2-{name.title()}.zip" for number, name in enumerate(MITOEM2, 1)},  # type: ignore[misc]
        description="the archive of each data set of version 2",
    )
    human: MitoemV1 = MitoemV1(
        images=RemoteFile(
            url=f"{_DROPBOX}/z41qtu4y735j95e/EM30-H-im.zip?dl=1",
            sha256="98fe259f36a7d8d43f99981b7a0ef8cdeba2ce2615ff91595f428ae57207a041",
            hosts=_DROPBOX_HOSTS,
        ),
        labels=RemoteFile(
            url=f"{_HUGGING_FACE}/MitoEM/resolve/main/EM30-H-mito-train-val-v2.zip",
            sha256="0e8ed292cfcd0c58701d9f4299244a1b66d6aeb506c85754c34f98a4eda0ef1b",
            hosts=_HUGGING_FACE_HOSTS,
        ),
    )
    rat: MitoemV1 = MitoemV1(
        images=RemoteFile(
            url=f"{_HUGGING_FACE}/EM30/resolve/main/EM30-R-im.zip",
            sha256="6a2cac68adde5d01984542d3ee1d7753d1fa3e6eb2a042ce15ce297c95885bbe",
            hosts=_HUGGING_FACE_HOSTS,
        ),
        labels=RemoteFile(
            url=f"{_HUGGING_FACE}/MitoEM/resolve/main/EM30-R-mito-train-val-v2.zip",
            sha256="c56380ac575428a818bd293ca3509d1249999846c3702ccbf11d308acdd2ae86",
            hosts=_HUGGING_FACE_HOSTS,
        ),
    )
    resolution_nm: dict[MitoemDataset, Lengths3] = Field(
        {
            **dict.fromkeys(("beta", "jurkat", "macro", "podo", "sperm"), (16.0, 16.0, 16.0)),
            **dict.fromkeys(("mossy", "pyra", "stem", "human", "rat"), (30.0, 8.0, 8.0)),
        },  # type: ignore[arg-type]
        description="voxel size by data set, whatever the headers say (those of beta say 1)",
    )
    most_gb: Length = Field(60.0, description="a download that is larger, or unpacks to more, is refused")


class MicronsCrop(Section):
    """A box cut out of minnie65."""

    start: Position3 = Field(description="its first voxel, counted at `mip`")
    size: Size3 = Field(description="voxels at `mip`")
    split: Literal["train", "val", "test"] | None = Field(None, description="what the whole crop is used for")


class MicronsVolumes(Section):
    """MICrONS minnie65, mouse visual cortex: crops of the aligned images and of a version of the segmentation."""

    path: Path | None = Field(
        None, description="folder of crops that are on disk already (HDF5: both in one, or *_volume and *_segmentation)"
    )
    em: StoreUrl = Field(
        f"https://bossdb-open-data.s3.amazonaws.com/{_MICRONS}/em",
        description="address of the images (Neuroglancer precomputed; https, s3, gs or file)",
    )
    segmentation: StoreUrl | None = Field(
        f"https://storage.googleapis.com/{_MICRONS}/seg_m{{version}}",
        description="address of the segmentation, with {version}; null = images only",
    )
    version: int = Field(1300, ge=1, description="of the segmentation: 343, 943 or 1300")
    mip: int = Field(0, ge=0, le=12, description="scale of the images, 0 = finest; that of the segmentation follows it")
    crops: dict[str, MicronsCrop | None] = Field(
        {"centre": MicronsCrop(start=(20000, 100000, 140000), size=(128, 512, 512))},
        description="boxes by name; null drops one",
    )
    block: Size3 = Field((64, 256, 256), description="voxels fetched, and kept, at a time")
    resolution_nm: Lengths3 = Field(
        (40.0, 8.0, 8.0), description="voxel size at mip 0 of crops on disk, where a file does not say it"
    )


class FolderVolumes(Section):
    """EM volumes of your own."""

    path: Path | None = Field(
        None, description="a volume (HDF5, Zarr, TIFF, NIfTI, NRRD) or a folder of them; null = no volumes"
    )
    resolution_nm: Lengths3 | None = Field(None, description="voxel size, z y x, where a file does not say it")
    metadata: Path | None = Field(
        None, description="table of facts by volume (.jsonl or .csv): name, resolution_nm, annotated, split"
    )


class VolumeSources(Section):
    """EM volumes, by source."""

    sample: SampleVolumeParameters = Field(default_factory=SampleVolumeParameters)
    snemi3d: SnemiVolumes = Field(default_factory=SnemiVolumes)
    cremi3d: CremiVolumes = Field(default_factory=CremiVolumes)
    mitoem2: MitoemVolumes = Field(default_factory=MitoemVolumes)
    microns: MicronsVolumes = Field(default_factory=MicronsVolumes)
    folder: FolderVolumes = Field(default_factory=FolderVolumes)
