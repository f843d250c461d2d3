# SPDX-License-Identifier: Apache-2.0
"""Every name that people meet is explained."""

from __future__ import annotations

from fluxsm.api import glossary, names
from fluxsm.core import conditions

# Reasons are CamelCase words that are neither types nor anything else that is named so.
NO_REASONS = {
    names.INSTANCE_KIND,
    names.REPORT_KIND,
    *conditions.ORDER,
    "Uninstalling",
} - {names.STARTER_DISTRIBUTION}  # a type and a reason


def constants() -> dict[str, str]:
    """All names, by the name of their constant."""
    return {key: value for key, value in vars(names).items() if isinstance(value, str)}


def test_every_condition_type_is_explained() -> None:
    """Those that the operator owns, and no others."""
    assert set(glossary.CONDITIONS) == set(conditions.ORDER)


def test_every_reason_is_explained() -> None:
    """And nothing that is no reason."""
    reasons = {
        value
        for key, value in constants().items()
        if key.isupper() and value.isalpha() and value[0].isupper() and value not in NO_REASONS
    }
    assert set(glossary.REASONS) == reasons


def test_every_annotation_that_is_read_is_explained() -> None:
    """With values, default and effect."""
    read = {
        names.RECONCILE,
        names.RECONCILE_EVERY,
        names.RECONCILE_ARTIFACT_EVERY,
        names.RECONCILE_TIMEOUT,
        names.REQUESTED_AT,
        names.FORCE_AT,
        f"{names.EVENT_METADATA_PREFIX}*",
    }
    assert set(glossary.ANNOTATIONS) == read
