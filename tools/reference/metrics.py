# SPDX-License-Identifier: Apache-2.0
"""The page about metrics."""

from __future__ import annotations

from fluxsm.adapters.metrics import METRICS, Metric
from fluxsm.machine.render import markdown


def page() -> str:
    """The page."""
    lines = [(f"`{metric.name}`", _labels(metric), metric.help) for metric in METRICS]
    return _INTRO + markdown.table(("Metric", "Labels", "Meaning"), lines)


_INTRO = """# Metrics

In Prometheus text format at `/metrics` of `--metrics-addr`. Counted after the status was saved, so
a counter never counts something that did not last.

"""


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{label}`" for label in metric.labels) or "none"
