"""What the embedded sample volume is like."""

from __future__ import annotations

from pydantic import Field

from neuropil.parameters import Lengths3, Section, Size3


class SampleVolumeParameters(Section):
    """Size and appearance of the procedural EM volume."""

    shape: Size3 = Field((80, 224, 224), description="size in voxels, (z, y, x)")
    resolution_nm: Lengths3 = Field((30.0, 8.0, 8.0), description="voxel size in nanometres, (z, y, x)")
    dendrites_per_um3: float = Field(1.0, ge=0, le=20, description="thick neurites for each cubic micrometre")
    axons_per_um3: float = Field(9.0, gt=0, le=100, description="thin neurites for each cubic micrometre")
    synapses_per_um3: float = Field(3.0, ge=0, le=50, description="synaptic contacts for each cubic micrometre")
    mitochondria_per_um3: float = Field(4.0, ge=0, le=50, description="mitochondria for each cubic micrometre")
    noise: float = Field(0.05, ge=0, le=1, description="standard deviation of the grain; 1 = black to white")
    contrast_jitter: float = Field(0.06, ge=0, le=1, description="how much brightness and contrast differ by section")
    misalignment_nm: float = Field(6.0, ge=0, le=200, description="standard deviation of each section's shift, nm")
