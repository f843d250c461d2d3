# SPDX-License-Identifier: Apache-2.0
"""Verdicts as text: one line each, then totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tools.crash.environment import Verdict
from tools.crash.faults import KILLS, LINES, READS, REFUSED, RELENTLESS


def line(verdict: Verdict) -> str:
    """One line: where, what, result; findings below."""
    fault = str(verdict.fault or "no fault")
    where = f"{verdict.lifecycle}/{verdict.phase:<9}"
    head = f"{_mark(verdict)} {where} {fault:<24} {verdict.seconds:5.1f}s"
    about = f"  {_deaths(verdict):<15} {verdict.target}".rstrip()
    return "\n".join([head + about, *(f"    {item}" for item in verdict.findings[:12])])


def _deaths(verdict: Verdict) -> str:
    return ", ".join(
        f"{state} {count}" if count > 1 else state
        for state, count in Counter(verdict.states).items()
    )


def _mark(verdict: Verdict) -> str:
    if verdict.findings:
        return "✗"
    return "✓" if verdict.reached else "·"


def totals(verdicts: Sequence[Verdict], seconds: float) -> str:
    """A table by lifecycle, phase and class of fault, and a sentence."""
    rows: Counter[tuple[str, str, str]] = Counter()
    bad: Counter[tuple[str, str, str]] = Counter()
    missed: Counter[tuple[str, str, str]] = Counter()
    for item in verdicts:
        key = (item.lifecycle, item.phase, _class(item))
        rows[key] += max(item.points, 1)
        bad[key] += bool(item.findings)
        missed[key] += not item.reached
    lines = [f"{'lifecycle':<18} {'class':<22} {'points':>6} {'not reached':>11} {'wrong':>6}"]
    lines += [
        f"{f'{key[0]}/{key[1]}':<18} {key[2]:<22} {count:>6} {missed[key]:>11} {bad[key]:>6}"
        for key, count in sorted(rows.items())
    ]
    wrong = sum(bad.values())
    reached = sum(rows.values()) - sum(missed.values())
    states = ", ".join(sorted(_died_in(verdicts)))
    lines.append("")
    lines.append(f"processes died in: {states or 'none'}")
    lines.append(f"{reached} faults, {wrong} unexplained differences, {seconds / 60:.0f} minutes")
    return "\n".join(lines)


def _died_in(verdicts: Iterable[Verdict]) -> set[str]:
    return {state for item in verdicts for state in item.states}


def _class(verdict: Verdict) -> str:
    if verdict.fault is None:
        return "none"
    if verdict.fault.kind in KILLS:
        return f"killed, {verdict.fault.kind}"
    if verdict.fault.kind == RELENTLESS:
        return "killed, each write"
    if verdict.fault.kind == REFUSED:
        return f"call {REFUSED}"
    if verdict.fault.kind in READS:
        return f"{verdict.fault.unit}, {verdict.fault.kind}"
    assert verdict.fault.kind in LINES
    return f"line {verdict.fault.kind}"
