"""What the documents name exists."""

import re
from pathlib import Path

import pytest
import yaml

from neuropil.configuration.root import RootParameters, flatten

PROJECT = Path(__file__).parents[1]
GUIDES = (PROJECT / "docs" / "from_the_guides.md").read_text()
ROWS = [line.split("|")[1:-1] for line in GUIDES.splitlines() if line.startswith("| ")]
SECTIONS = set(RootParameters.model_fields)


def our_words() -> list[str]:
    """Everything in backticks in the middle column and in the text below the tables."""
    below = GUIDES.split("## What differs on purpose")[1]
    return [word for text in [*(row[1] for row in ROWS), below] for word in re.findall(r"`([^`]+)`", text)]


def test_every_parameter_named_exists() -> None:
    known = set(flatten(RootParameters()))
    known |= {key.rsplit(".", depth)[0] for key in known for depth in range(1, key.count(".") + 1)}
    named = [word for word in our_words() if re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", word)]
    assert len(named) > 50
    assert [word for word in named if word.split(".")[0] in SECTIONS and word not in known] == []


def test_every_pipeline_and_runtime_path_named_exists() -> None:
    text = " ".join(our_words())
    for name in re.findall(r"--pipeline (\w+)", text):
        assert (PROJECT / "src" / "neuropil" / "pipelines" / name / "pipeline.py").exists()
    for name in re.findall(r"(\w+)=PATH", text):
        assert name in SECTIONS


def test_every_catalog_entry_named_exists() -> None:
    entries: set[str] = set()
    for path in (PROJECT / "conf" / "base").glob("catalog*.yml"):
        entries |= set(yaml.safe_load(path.read_text()))
    cells = [row[1] for row in ROWS if row[1].strip().startswith("catalog ")]
    assert cells
    assert [word for cell in cells for word in re.findall(r"`(\w+)`", cell) if word not in entries] == []


@pytest.mark.parametrize("document", ["README.md", "conf/README.md", "docs/your_files.md"])
def test_every_environment_named_exists(document: str) -> None:
    text = (PROJECT / document).read_text()
    for names in re.findall(r"--env ([a-z0-9_,]+)", text):
        for name in names.split(","):
            assert name in ("a", "b") or (PROJECT / "conf" / name).is_dir()


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (PROJECT / "README.md").read_text()):
        assert (PROJECT / target).exists(), target
