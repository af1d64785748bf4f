"""The cards of all volumes: one picture a volume, and a sheet of the first ones."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from neuropil.compute import ComputeParameters
from neuropil.em.cards.lettering import FAINT, font
from neuropil.work.atomic import write_bytes
from neuropil.work.index import Index, Record
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Ledger

CARDS = 6
"""Cards on a sheet, at most: as many as can be read on a screen."""

_GAP, _FOOT = 14, 30


def draw_cards(
    volumes: Iterable[Record], inspections: Iterable[Record], store: Path, cards: Path, compute: ComputeParameters
) -> tuple[Index, bytes]:
    """Draw the card of each volume to `cards/NAME.png`, and a sheet of the first six.

    Args:
        volumes: the index `volumes`.
        inspections: of them (see `inspection.inspect.inspect_volumes`), by name.
        store: the folder that the paths of volumes are relative to.
        cards: where the cards go; those of volumes that are no longer there are removed.
        compute: how many processes.

    Returns:
        The index of cards, {"name", "path" (relative to `cards`), "defects" (how many the card tells)}, and the sheet
        as PNG.
    """
    measured = {record["name"]: dict(record) for record in inspections}
    records = [record for record in volumes if record["name"] in measured]
    entries = run_items(
        (_item(record, measured[record["name"]], store, cards) for record in records),
        _draw,
        ledger=Ledger(cards / "cards.ledger.jsonl"),
        compute=compute,
        label="drawing volume cards",
        total=len(records),
        present=lambda entry: (cards / f"{entry.name}.png").exists(),
    )
    drawn = [{"name": entry.name, "path": f"{entry.name}.png", **entry.result} for entry in entries
             if entry.state == "done"]  # fmt: skip
    kept = {record["path"] for record in drawn}
    for file in cards.glob("*.png"):
        if file.name not in kept:
            file.unlink()
    return Index(drawn), card_sheet([cards / record["path"] for record in drawn])


def _item(record: Record, inspection: Mapping[str, Any], store: Path, cards: Path) -> Item:
    from neuropil.em.cards.card import VERSION

    key = content_key("card", VERSION, dict(record), inspection)
    return Item(record["name"], key, (dict(record), inspection, store, cards / f"{record['name']}.png"))


def _draw(payload: tuple[dict[str, Any], dict[str, Any], Path, Path]) -> dict[str, Any]:
    from neuropil.em.cards.card import draw_card
    from neuropil.em.defects.rules import find_defects

    record, inspection, store, target = payload
    defects = find_defects(record, inspection)
    write_bytes(target, draw_card(record, store, inspection, defects))
    return {"defects": len(defects)}


def card_sheet(files: list[Path]) -> bytes:
    """The first cards, up to three abreast; says how many are not shown."""
    pictures = [Image.open(file).convert("RGB") for file in files[:CARDS]]
    abreast = min(max(1, len(pictures)), 2 if len(pictures) <= 4 else 3)
    width, height = pictures[0].size if pictures else (600, 1)
    rows = -(-len(pictures) // abreast)
    more = len(files) - len(pictures)
    foot = _FOOT if more or not pictures else 0
    sheet = Image.new(
        "RGB", (abreast * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP + foot), (244, 244, 244)
    )  # fmt: skip
    for number, picture in enumerate(pictures):
        row, column = divmod(number, abreast)
        sheet.paste(picture, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    if foot:
        text = f"{more} more beside these" if pictures else "no card could be drawn"
        ImageDraw.Draw(sheet).text((_GAP, sheet.height - _FOOT), text, FAINT, font(15))
    data = io.BytesIO()
    sheet.quantize(255, dither=Image.Dither.NONE).save(data, "PNG", optimize=True)
    return data.getvalue()
