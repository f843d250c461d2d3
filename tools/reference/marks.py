# SPDX-License-Identifier: Apache-2.0
"""The page about annotations and labels."""

from __future__ import annotations

from fluxsm.api import glossary
from fluxsm.machine.render import markdown


def page() -> str:
    """The page."""
    own = markdown.table(
        ("Annotation", "Value", "Default", "Effect"),
        [(f"`{key}`", *texts) for key, texts in glossary.ANNOTATIONS.items()],
    )
    objects = markdown.table(
        ("Key", "Kind", "Meaning"),
        [(f"`{key}`", *texts) for key, texts in glossary.OBJECT_MARKS.items()],
    )
    return f"{_OWN}{own}\n## Of managed objects\n\n{objects}"


_OWN = """# Annotations and labels

## Of a FluxInstance

Durations are written as Go writes them (`90s`, `1h30m`); what does not parse counts as not set.

"""
