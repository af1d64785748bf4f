"""Neuroglancer precomputed volumes, read box by box over HTTP or from disk.

tensorstore does the reading: it knows every encoding (raw, jpeg, compressed_segmentation) and sharding. Its requests
keep to `ingestion.http` as far as it can be told: how many at a time, retries, certificates, who asks.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.sources.http.parameters import HttpParameters

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]

CACHE_BYTES = 256 << 20
"""Chunks kept in a process: boxes side by side share those that they cut."""

_SPEC = re.compile(r"\s*\[(?:tensorstore_spec|http_response_\w+|source locations)=.*", re.DOTALL)
_NAMED = re.compile(r'^[A-Z_]+: (?:Error opening "neuroglancer_precomputed" driver: )?')


@dataclass(frozen=True)
class Scale:
    """One scale of a precomputed volume.

    Attributes:
        url: of the volume (https, http, s3, gs or file).
        index: of the scale, 0 = finest.
        resolution_nm: voxel size, (z, y, x).
        box: what it covers, voxels (z, y, x) with their start and end.
        dtype: of its values.
    """

    url: str
    index: int
    resolution_nm: tuple[float, float, float]
    box: Box
    dtype: str


def read_scales(url: str, field: str, http: HttpParameters) -> list[Scale]:
    """The scales of a volume, finest first.

    Raises:
        InputError: there is no such volume, or what is there does not describe one; the line names the address and
            its field.
    """
    try:
        answer = _store(url, http).read("info").result(timeout=_patience(http))
    except (ValueError, OSError, TimeoutError) as error:
        raise _unreadable(url, field, error) from error
    if answer.state != "value":
        raise InputError(f"{url}/info: there is no such file; look up where the volume is now, and set {field}")
    try:
        info = json.loads(answer.value)
        scales = [_scale(url, number, one, info["data_type"]) for number, one in enumerate(info["scales"])]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{url}/info: does not describe a Neuroglancer precomputed volume; look up its address, and set {field}"
        ) from error
    return sorted(scales, key=lambda scale: scale.resolution_nm[::-1])


def read_box(scale: Scale, box: Box, http: HttpParameters) -> NDArray[Any]:
    """The values in a box (z, y, x), which must lie within the scale's.

    Raises:
        InputError: they cannot be read; the line names the address.
    """
    try:
        z, y, x = (slice(*side) for side in box)
        values = _opened(scale.url, scale.index, http)[x, y, z, 0].read().result(timeout=_patience(http))
    except (ValueError, OSError, TimeoutError) as error:
        raise _unreadable(scale.url, None, error) from error
    return np.ascontiguousarray(np.asarray(values).T)


def _scale(url: str, index: int, scale: dict[str, Any], dtype: str) -> Scale:
    x, y, z = (float(length) for length in scale["resolution"])
    start = [int(voxel) for voxel in scale.get("voxel_offset", (0, 0, 0))][::-1]
    size = [int(voxel) for voxel in scale["size"]][::-1]
    (z0, y0, x0), (dz, dy, dx) = start, size
    return Scale(url, index, (z, y, x), ((z0, z0 + dz), (y0, y0 + dy), (x0, x0 + dx)), dtype)


@lru_cache(maxsize=8)  # one of each volume in each process; `info` is asked for once
def _opened(url: str, index: int, http: HttpParameters) -> Any:
    import tensorstore

    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": _key_value(url, http),
        "scale_index": index,
        "recheck_cached_data": False,  # what is published does not change under our hands
    }
    return tensorstore.open(spec, context=_context(http), open=True, read=True).result(timeout=_patience(http))


def _store(url: str, http: HttpParameters) -> Any:
    import tensorstore

    return tensorstore.KvStore.open(_key_value(url, http), context=_context(http)).result(timeout=_patience(http))


def _key_value(url: str, http: HttpParameters) -> Any:
    from neuropil.sources.http.client import user_agent

    scheme, _, rest = url.rstrip("/").partition("://")
    if scheme == "file":
        return {"driver": "file", "path": f"{rest}/"}
    bucket, _, path = rest.partition("/")
    if scheme == "gs":  # public buckets answer over https, where no account is looked for
        url = f"https://storage.googleapis.com/{bucket}/{path}"
    elif scheme == "s3":
        url = f"https://{bucket}.s3.amazonaws.com/{path}"
    scheme, _, rest = url.rstrip("/").partition("://")
    host, _, path = rest.partition("/")
    headers = [f"User-Agent: {user_agent(http)}"]
    return {"driver": "http", "base_url": f"{scheme}://{host}", "path": f"{path}/", "headers": headers}


def _context(http: HttpParameters) -> Any:
    import tensorstore

    if http.ca_bundle is not None:
        os.environ["TENSORSTORE_CA_BUNDLE"] = str(http.ca_bundle)
    retries = {
        "max_retries": http.attempts,
        "initial_delay": f"{http.backoff_s}s",
        "max_delay": f"{max(http.backoff_s, http.backoff_most_s)}s",
    }
    limit = {"limit": min(http.concurrency, http.per_host)}
    return tensorstore.Context(
        {
            "http_request_retries": retries,
            "http_request_concurrency": limit,
            "cache_pool": {"total_bytes_limit": CACHE_BYTES},
        }
    )


def _patience(http: HttpParameters) -> float:
    """Seconds that one read may take with all its retries."""
    return http.attempts * (http.connect_timeout_s + http.read_timeout_s + http.backoff_most_s)


def _unreadable(url: str, field: str | None, error: Exception) -> InputError:
    why = _NAMED.sub("", _SPEC.sub("", str(error))) or "no answer in time"
    todo = f"look up where the volume is now, and set {field}" if field else "run again to go on"
    return InputError(f"{url}: cannot be read ({why[:300]}); {todo}")
