# SPDX-License-Identifier: Apache-2.0
"""A plan as lines for people, the summary first, and as data for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from fluxsm.build import version as versions
from fluxsm.build.compare import Change, ObjectChange
from fluxsm.cli import diff, table, text
from fluxsm.cli.talk import Mark
from fluxsm.objects.redaction import redact

if TYPE_CHECKING:
    from fluxsm.core.plan import ImageChange, Plan, Rewrite
    from fluxsm.objects.definitions import DefinitionChange
    from fluxsm.objects.seizure import Seizure

DIGEST: Final = 12
"""Characters of a digest that are shown to people."""

_WORDS: Final = {Change.ADDED: "created", Change.CHANGED: "changed", Change.REMOVED: "deleted"}
_HIDDEN: Final = frozenset({"Secret"})
"""Kinds of which no value is shown."""


def lines(name: str, plan: Plan, *, delete: bool, width: int | None) -> Iterator[str]:
    """The plan for people.

    Args:
        name: of the instance.
        plan: what would happen.
        delete: whether it is about the deletion of the instance.
        width: of the terminal, None where nothing is cut.
    """
    columns = min(width or text.WIDEST, text.WIDEST)
    yield from _heading(name, plan, columns, delete=delete)
    yield from _sentences("Refused", plan.refused, Mark.FAILED, columns)
    yield from _sentences("Note", plan.notes, Mark.NOTE, columns)
    yield from _sentences("Consequences", plan.consequences, Mark.NOTE, columns)
    for title, found in (
        ("Images", _image_lines(plan.images)),
        ("Kinds", map(_definition_line, plan.definitions)),
        ("Custom resources", _rewrite_lines(plan.rewrites)),
        ("Fields of others that are taken over", _seizure_lines(plan)),
        ("Stays, though it is not wanted any more", _kept_lines(plan)),
        ("Objects", diff.lines(_shown(plan.changes))),
    ):
        section = list(found)
        if section:
            yield ""
            yield click.style(title, bold=True)
        for line in section:
            shown = redact(f"  {line}")
            yield shown if width is None else _cut(shown, width)


def _cut(line: str, width: int) -> str:
    """A line as wide as the terminal; only a line that is cut loses its colours."""
    return line if table.measure(line) <= width else table.cut(line, width)


def _heading(name: str, plan: Plan, columns: int, *, delete: bool) -> Iterator[str]:
    head = f"{name}: deletion" if delete else f"{name}: {_way(plan)}"
    yield from _marked(Mark.TRIGGERED, head, columns)
    if plan.refused:
        sentence = "the operator would refuse this, and nothing would change"
        yield from _marked(Mark.FAILED, sentence, columns)
    elif not plan and not delete:
        yield f"{Mark.DONE.colored} nothing would change"
    else:
        yield f"  {summary(plan)}"


def summary(plan: Plan) -> str:
    """How many objects are created, changed, deleted and left."""
    counts = Counter(item.change for item in plan.changes)
    parts = [f"{counts[change]} {word}" for change, word in _WORDS.items() if counts[change]]
    if plan.relabelled:
        parts.append(f"{len(plan.relabelled)} with nothing but another version label")
    if plan.unchanged:
        parts.append(f"{plan.unchanged} unchanged")
    return f"objects: {', '.join(parts) or 'none'}"


def _way(plan: Plan) -> str:
    """From which revision to which; where only the digest changes, that shows it."""
    old, new = (versions.split_revision(item) for item in (plan.installed, plan.target))
    if not plan.target:
        return _revision(old) if plan.installed else "not installed"
    if not plan.installed:
        return f"{new[0]} would be installed"
    if plan.installed == plan.target:
        return _revision(old)
    if old[0] == new[0]:
        return f"{_revision(old)} → {_revision(new)}"
    return f"{old[0]} → {new[0]}"


def _revision(parts: tuple[str, str]) -> str:
    name, digest = parts
    return f"{name}@{_short(digest)}" if digest else name


def _short(digest: str) -> str:
    kind, _, value = digest.partition(":")
    return f"{kind}:{value[:DIGEST]}"


def _sentences(title: str, sentences: Sequence[str], mark: Mark, columns: int) -> Iterator[str]:
    if sentences:
        yield ""
        yield click.style(title, bold=True)
    for sentence in sentences:
        shown = redact(sentence)
        yield from _marked(mark, shown, columns, indent="  ")


def _marked(mark: Mark, sentence: str, columns: int, indent: str = "") -> Iterator[str]:
    """A paragraph after a mark, whose colour must not count when it is wrapped."""
    first, rest = f"{indent}{mark.value} ", f"{indent}  "
    head, *more = text.wrapped(sentence, columns, first=first, rest=rest)
    yield head.replace(mark.value, mark.colored, 1)
    yield from more


def _image_lines(images: Iterable[ImageChange]) -> Iterator[str]:
    rows = [(item.workload.name, item.container, *_image(item)) for item in images]
    if not rows:
        return
    size = max(len(row[0]) for row in rows)
    for workload, container, old, new in rows:
        label = "" if container == "manager" else f" {container}:"
        yield f"{workload:<{size}} {label} {old} → {new}"


def _image(item: ImageChange) -> tuple[str, str]:
    """Both images as short as they still differ: tags, else with short digests."""
    (old_name, old_digest), (new_name, new_digest) = (
        image.partition("@")[::2] for image in (item.old, item.new)
    )
    if old_name == new_name:
        return tuple(  # type: ignore[return-value] # two of two
            f"{name}@{_short(digest)}" if digest else f"{name or '(none)'}"
            for name, digest in ((old_name, old_digest), (new_name, new_digest))
        )
    old_repository, _, old_tag = old_name.rpartition(":")
    new_repository, _, new_tag = new_name.rpartition(":")
    if old_repository == new_repository:
        return old_tag, new_tag
    return old_name or "(none)", new_name or "(none)"


def _definition_line(item: DefinitionChange) -> str:
    if not item.old_storage:
        return f"{item.name}: comes with {', '.join(item.added)}"
    if not item.new_storage:
        return f"{item.name}: goes, with {', '.join(item.removed)}"
    parts = [f"{version} comes" for version in item.added]
    parts += [f"{version} goes" for version in item.removed]
    parts += [f"{version} is served no more" for version in item.unserved]
    if item.old_storage != item.new_storage:
        parts.append(f"stored in {item.new_storage} instead of {item.old_storage}")
    if item.schema:
        parts.append("other schema")
    return f"{item.name}: {', '.join(parts)}"


def _rewrite_lines(rewrites: Iterable[Rewrite]) -> Iterator[str]:
    for item in rewrites:
        old = f" from {', '.join(item.retired)}" if item.retired else ""
        yield f"{item.resources.total} {item.kind}: stored again{old} in {item.storage}"
        for path, count in item.resources.dropped.items():
            yield f"  {click.style('-', fg='red')} {path} is lost in {count} of them"


def _seizure_lines(plan: Plan) -> Iterator[str]:
    for ref, found in plan.seizures.items():
        yield str(ref)
        hidden = ref.kind.kind in _HIDDEN
        yield from (f"  {_seizure(item, hidden=hidden)}" for item in found)


def _seizure(item: Seizure, *, hidden: bool) -> str:
    by = " and ".join(item.managers)
    if item.goes:
        return f"{click.style('-', fg='red')} {item.path}, set by {by}"
    values = "" if hidden else f": {diff.value(item.old)} -> {diff.value(item.new)}"
    return f"{click.style('~', fg='yellow')} {item.path}, set by {by}{values}"


def _kept_lines(plan: Plan) -> Iterator[str]:
    yield from (f"{ref}: {why}" for ref, why in plan.kept.items())


def _shown(changes: Iterable[ObjectChange]) -> list[ObjectChange]:
    """The objects with their fields; versions of definitions have lines of their own."""
    from dataclasses import replace

    return [
        replace(
            item,
            fields=tuple(
                field
                for field in item.fields
                if item.ref.kind.kind not in _HIDDEN and field.path != ".spec.versions"
            ),
        )
        for item in changes
    ]


def data(name: str, plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    counts = Counter(item.change for item in plan.changes)
    return {
        "instance": name,
        "installed": plan.installed or None,
        "target": plan.target or None,
        "summary": {
            **{word: counts[change] for change, word in _WORDS.items()},
            "relabelled": len(plan.relabelled),
            "unchanged": plan.unchanged,
        },
        "refused": list(plan.refused),
        "notes": list(plan.notes),
        "consequences": list(plan.consequences),
        "images": [
            {
                "object": str(item.workload),
                "container": item.container,
                "old": item.old or None,
                "new": item.new or None,
            }
            for item in plan.images
        ],
        "definitions": [
            {
                "name": item.name,
                "added": list(item.added),
                "removed": list(item.removed),
                "unserved": list(item.unserved),
                "oldStorage": item.old_storage or None,
                "newStorage": item.new_storage or None,
                "schemaChanged": item.schema,
            }
            for item in plan.definitions
        ],
        "customResources": [
            {
                "definition": item.definition,
                "kind": item.kind,
                "count": item.resources.total,
                "retired": list(item.retired),
                "storage": item.storage,
                "lostFields": dict(item.resources.dropped),
            }
            for item in plan.rewrites
        ],
        "takenOver": [
            {"object": str(ref), "field": item.path, "managers": list(item.managers),
             "removed": item.goes}
            for ref, found in plan.seizures.items()
            for item in found
        ],
        "kept": [{"object": str(ref), "why": why} for ref, why in plan.kept.items()],
        "objects": [
            {
                "object": str(item.ref),
                "action": _WORDS[item.change],
                "fields": [
                    {"path": field.path, "change": field.change.name.lower(),
                     "old": field.old, "new": field.new}
                    for field in item.fields
                ],
            }
            for item in _shown(plan.changes)
        ],
    }  # fmt: skip
