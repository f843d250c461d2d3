# SPDX-License-Identifier: Apache-2.0
"""Specs that the API admits, and versions to build them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api import names
from fluxsm.build.distribution import Distribution
from fluxsm.build.spec_rules import SYNC_COMPONENTS

SHARED: Final = Path(__file__).parents[4] / "shared"
WORDS = st.text("abcxyz", min_size=1, max_size=4)
# Texts that a careless writer of YAML or reader of scalars would turn into something else.
TEXTS = WORDS | st.sampled_from(["1.10", "true", "0x1", "a: b", "é", "~", "*", "2020-01-01"])
_KEYS = WORDS | st.sampled_from([names.OWNER_NAME_LABEL, names.PART_OF_LABEL, names.VERSION_LABEL])
ANNOTATIONS = st.dictionaries(_KEYS, TEXTS, max_size=3)
LABELS = st.dictionaries(
    _KEYS, WORDS | st.sampled_from(["1.10", "true", "0x1", "2020-01-01", "y", ""]), max_size=3
)
FLAG = st.booleans()


def _distributions() -> list[tuple[Distribution, str]]:
    found = [open_folder(starter_folder())]
    if SHARED.is_dir():
        found.append(open_folder(SHARED))
    return [(place, version) for place in found for version in place.versions()]


PLACES: Final = _distributions()
"""Distributions that are at hand, with each of their versions."""


def fields(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of these fields."""
    return st.fixed_dictionaries({}, optional=optional)


CLUSTERS = fields(
    type=st.sampled_from(["kubernetes", "openshift", "aws", "azure", "gcp"]),
    size=st.sampled_from(["small", "medium", "large"]),
    domain=st.sampled_from(["cluster.local", "corp.example", ""]),
    multitenant=FLAG,
    networkPolicy=FLAG,
    objectLevelWorkloadIdentity=FLAG,
    tenantDefaultServiceAccount=WORDS,
)
_SOURCES = (
    ("GitRepository", "https://git.example.com/fleet.git"),
    ("GitRepository", "ssh://git@git.example.com/fleet.git"),
    ("OCIRepository", "oci://registry.example.com/fleet"),
    ("Bucket", "minio.example.com:9000"),
)
_PLACES_AND_REFS = st.fixed_dictionaries(
    {"ref": TEXTS, "path": TEXTS},
    optional={
        "name": WORDS,
        "interval": st.sampled_from(["1m", "90s", "1.5h", "500ms"]),
        "pullSecret": WORDS,
        "provider": st.just("generic"),
    },
)
SYNCS = st.builds(
    lambda source, rest: {"kind": source[0], "url": source[1], **rest},
    st.sampled_from(_SOURCES),
    _PLACES_AND_REFS,
)
SHARDING = st.fixed_dictionaries(
    {"shards": st.lists(WORDS, min_size=1, max_size=3, unique=True)},
    optional={"key": st.just("example.com/shard"), "storage": st.just("persistent")},
)
DISTRIBUTIONS = st.fixed_dictionaries(
    {
        "version": st.just("*"),
        "registry": st.sampled_from(["ghcr.io/fluxcd", "fluxcd", "localhost:5000/flux/"]),
    },
    optional={"imagePullSecret": WORDS, "variant": st.just("upstream-alpine")},
)
SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"distribution": DISTRIBUTIONS},
    optional={
        "components": st.lists(st.sampled_from(names.COMPONENTS), unique=True),
        "cluster": CLUSTERS,
        "sharding": SHARDING,
        "storage": st.just({"class": "1.0", "size": "10Gi"}),
        "sync": SYNCS,
        "commonMetadata": fields(labels=LABELS, annotations=ANNOTATIONS),
    },
)


def _is_admitted(spec: dict[str, Any]) -> bool:
    """Whether the parts go together."""
    stored = spec.get("sharding", {}).get("storage") is None or "storage" in spec
    components = spec.get("components") or names.DEFAULT_COMPONENTS
    return stored and ("sync" not in spec or {*SYNC_COMPONENTS} <= {*components})


INSTANCES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {"name": st.just("flux"), "namespace": st.sampled_from(["flux-system", "gitops"])}
        ),
        "spec": SPECS.filter(_is_admitted),
    }
)
