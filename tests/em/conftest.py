"""Small volumes for the tests of em."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuropil.em.synthesis import grow_volume
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.work.keys import file_digest

SMALL = SampleVolumeParameters(shape=(32, 64, 64))


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A record of the index `volumes` and the folder it lies in."""
    folder = tmp_path_factory.mktemp("volumes")
    record = grow_volume(folder / "small.h5", SMALL, seed=5)
    return {**record, "path": "small.h5", "digest": file_digest(folder / "small.h5"), "source": "sample"}, folder
