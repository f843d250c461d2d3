# SPDX-License-Identifier: Apache-2.0
"""Specs that the API admits, and versions to build them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api import names
from fluxsm.build.distribution import Distribution

SHARED: Final = Path(__file__).parents[4] / "shared"
WORDS = st.text("abcxyz", min_size=1, max_size=4)
# Texts that a careless writer of YAML or reader of scalars would turn into something else.
TEXTS = WORDS | st.sampled_from(["1.10", "true", "0x1", "a: b", "é", "~", "*", "2020-01-01"])
LABELS = st.dictionaries(
    WORDS | st.sampled_from([names.OWNER_NAME_LABEL, names.PART_OF_LABEL, names.VERSION_LABEL]),
    TEXTS,
    max_size=3,
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
SYNCS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["GitRepository", "OCIRepository", "Bucket"]),
        "url": TEXTS,
        "ref": TEXTS,
        "path": TEXTS,
    },
    optional={
        "name": WORDS,
        "interval": st.sampled_from(["1m", "90s", "1.5h", "500ms"]),
        "pullSecret": WORDS,
        "provider": st.just("generic"),
    },
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
        "commonMetadata": fields(labels=LABELS, annotations=LABELS),
    },
)
INSTANCES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {"name": st.just("flux"), "namespace": st.sampled_from(["flux-system", "gitops"])}
        ),
        "spec": SPECS.filter(
            lambda spec: spec.get("sharding", {}).get("storage") is None or "storage" in spec
        ),
    }
)
