"""The little English that captions and prompts need: articles, lists, the nouns of classes and regions."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPOKEN_VOWEL = set("AEFHILMNORSX")  # letters whose names begin with a vowel: "an L5", "an SST"
_SPELT_WITH_U = re.compile(r"^(?:uni|use|usu|uti|eu|one\b|once\b)", re.IGNORECASE)
_SPELLED_OUT = re.compile(r"^[A-Z](?:[A-Z0-9]|$)")
_CALLED_CELL = re.compile(
    r"(basket|martinotti|chandelier|purkinje|granule|ganglion|stellate|bipolar|bitufted|bouquet|golgi|amacrine|"
    r"horizontal|mitral|tufted|neurogliaform|ivy|axo-axonic|lugaro|betz|mossy|parasol|midget|glial?)$",
    re.IGNORECASE,
)
_IS_NOUN = re.compile(
    r"(cells?|neurons?|interneurons?|motoneurons?|photoreceptors?|astrocytes?|microglia)$", re.IGNORECASE
)
_ADJECTIVE_OF_CORTEX = re.compile(
    r"^(?:primary |secondary )?(somatosensory|motor|visual|auditory|prefrontal|frontal|occipital|temporal|parietal|"
    r"entorhinal|cingulate|perirhinal|insular|piriform|retrosplenial|barrel)(?: \S+)?$",
    re.IGNORECASE,
)


_TAKES_THE = re.compile(
    r"(layer|nucleus|gyrus|area|zone|bulb|horn|cord|complex|body|retina|hippocampus|cerebellum|striatum|thalamus|"
    r"hypothalamus|amygdala|midbrain|brainstem|subiculum|olive)$",
    re.IGNORECASE,
)


def with_article(phrase: str) -> str:
    """The phrase with "a" or "an", by sound ("an L5 neuron", "a unipolar neuron")."""
    if _SPELLED_OUT.match(phrase):
        spoken = phrase[0] in _SPOKEN_VOWEL
    else:
        spoken = phrase[:1].lower() in "aeiou" and not _SPELT_WITH_U.match(phrase)
    return f"{'an' if spoken else 'a'} {phrase}"


def listed(phrases: Sequence[str]) -> str:
    """ "one", "one and two", "one, two and three"."""
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def class_noun(name: str) -> str:
    """A cell class as a noun: "pyramidal neuron", "basket cell"; a name that is a noun stays."""
    if _IS_NOUN.search(name):
        return name
    return f"{name} {'cell' if _CALLED_CELL.search(name) else 'neuron'}"


def group_noun(name: str) -> str:
    """A broad class as a noun: "interneuron", "principal cell"."""
    return name if _IS_NOUN.search(name) else f"{name} neuron"


def region_phrase(regions: Sequence[str]) -> str:
    """The narrowest of the regions, as it is said: "somatosensory cortex" for neocortex, somatosensory."""
    narrowest = regions[-1]
    wide = " ".join(regions[:-1]).casefold()
    is_cortical = "cortex" in wide or "cortical" in wide
    if is_cortical and _ADJECTIVE_OF_CORTEX.match(narrowest) and "cortex" not in narrowest.casefold():
        return f"{narrowest} cortex"
    return f"the {narrowest}" if _TAKES_THE.search(narrowest) else narrowest
