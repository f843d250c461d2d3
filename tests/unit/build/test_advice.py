# SPDX-License-Identifier: Apache-2.0
"""What probably means something else than was written is pointed out, and built all the same."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.api.instance import parse_instance
from fluxsm.api.unknown import unknown_fields
from fluxsm.build.advice import advise
from tests.unit.build.makers import built

PLACE = {"version": "2.x", "registry": "ghcr.io/fluxcd"}
SYNC = {"kind": "GitRepository", "url": "https://x.io/y", "ref": "main", "path": "."}


def advice(annotations: dict[str, str] | None = None, **spec: Any) -> list[str]:
    """What is said about an instance."""
    metadata = {"name": "flux", "annotations": annotations or {}}
    return list(
        advise(parse_instance({"metadata": metadata, "spec": {"distribution": PLACE, **spec}}))
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (names.RECONCILE_EVERY, "every hour", ("is not a duration such as 90s, 5m or 1h30m; the"
         " default of 1h counts")),
        (names.RECONCILE_ARTIFACT_EVERY, "10", "the default of 10m counts"),
        (names.RECONCILE_TIMEOUT, "5 min", "the default of 5m counts"),
        (names.RECONCILE_TIMEOUT, "0s", "every health check fails at once"),
        (names.RECONCILE, "off", "counts as enabled; allowed: enabled or disabled"),
        (f"{names.GROUP}/reconcileevery", "1h", ("has no effect (did you mean"
         f" `{names.RECONCILE_EVERY}`?)")),
        (f"{names.GROUP}/odd", "x", "has no effect"),
    ],
)  # fmt: skip
def test_an_annotation_that_makes_no_sense(key: str, value: str, words: str) -> None:
    """It is named, with what counts instead."""
    (line,) = advice({key: value})
    assert line.startswith(f".metadata.annotations[{key}] ")
    assert words in line


@pytest.mark.parametrize(
    "annotations",
    [
        {names.RECONCILE: "Disabled", names.RECONCILE_EVERY: "0", names.RECONCILE_TIMEOUT: "90s"},
        {names.REQUESTED_AT: "now", "other.io/x": "y", f"{names.GROUP}/prune": "disabled"},
    ],
)
def test_annotations_that_make_sense(annotations: dict[str, str]) -> None:
    """Nothing is said."""
    assert advice(annotations) == []


def test_a_login_in_a_url() -> None:
    """The secret that it belongs into is named, and the login itself is not."""
    lines = advice(
        distribution=PLACE | {"artifact": "oci://u:c4n4ry@x.io/y"},
        sync=SYNC | {"url": "https://c4n4ry@x.io/y"},
    )
    assert [line.split()[0] for line in lines] == [".spec.distribution.artifact", ".spec.sync.url"]
    assert ".spec.sync.pullSecret" in lines[1]
    assert "c4n4ry" not in str(lines)
    assert advice(sync=SYNC | {"url": "ssh://git@x.io/y"}) == []


def test_the_endpoint_of_a_bucket_has_no_scheme() -> None:
    """Except where the cloud says so."""
    bucket = {**SYNC, "kind": "Bucket", "url": "https://minio.example.com"}
    (line,) = advice(sync=bucket)
    assert line.startswith(".spec.sync.url of a Bucket is an endpoint without a scheme")
    assert advice(sync=bucket | {"provider": "azure"}) == []
    assert advice(sync=bucket | {"url": "minio.example.com:9000"}) == []


def test_a_build_gives_all_advice_in_the_same_words_each_time() -> None:
    """Also that about images and ownership."""
    wanted: dict[str, Any] = {
        "variant": "enterprise-distroless-fips", "registry": "mirror.io/flux",
        "commonMetadata": {"labels": {names.OWNER_NAME_LABEL: "me"}},
        "kustomize": {"patches": [{"target": {"name": "nobody"}, "patch": "[]"}]},
    }  # fmt: skip
    first = built(**wanted).result.warnings
    assert first == built(**wanted).result.warnings
    assert [line.split()[0] for line in first] == [
        "images", ".spec.kustomize.patches[0].target", ".spec.commonMetadata.labels:",
    ]  # fmt: skip
    assert "no list of images for the variant enterprise-distroless-fips" in first[0]


def test_fields_that_this_version_does_not_know() -> None:
    """At every level, sorted; another CRD may have let them through."""
    spec = {
        "distribution": PLACE | {"odd": 1}, "more": {}, "sync": SYNC | {"extra": "x"},
        "kustomize": {"patches": [{"patch": "x"}, {"patch": "y", "target": {"names": "z"}}]},
        "commonMetadata": {"labels": {"any": "thing"}}, "cluster": None, "components": ["x"],
    }  # fmt: skip
    end = " is not a field that this version knows, so it has no effect"
    assert unknown_fields({"spec": spec}) == tuple(
        f".spec.{path}{end}"
        for path in ("distribution.odd", "kustomize.patches[1].target.names", "more", "sync.extra")
    )
    assert unknown_fields({}) == unknown_fields({"spec": 5}) == ()
