# SPDX-License-Identifier: Apache-2.0
"""What is found out about an installation, and what to do about it: rules without input or output.

Each rule gets what was read and answers with findings. Who reads it is `fluxsm/cli/doctor.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core import conditions
from fluxsm.errors import FluxsmError, MalformedError
from fluxsm.objects import manifest
from fluxsm.objects.definitions import versions_of
from fluxsm.objects.timestamp import parse_time

SKEW: Final = timedelta(seconds=10)
"""From here on two clocks count as different; answers and certificates take some of it."""

SHOWN: Final = 5
"""As many things of one finding are named."""

_PROXY: Final = re.compile(r"(?i)^(https?|all)_proxy$")
_CONTROLLERS: Final = re.compile(
    r"^(kube-controller-manager|kube-apiserver|kubelet|kwok|[a-z-]+-controller|flux-operator.*)$"
)

_EVERYBODYS: Final = frozenset({".", "f:kubernetes.io/metadata.name"})
"""Labels of a set of fields that whoever creates a namespace gets."""


class Grade(Enum):
    """How a finding is to be taken. The values are the words in JSON."""

    GOOD = "good"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what it is, in a few words.
        grade: whether it is as it should be.
        text: what was found.
        remedy: what to do about it; empty where it is good.
    """

    about: str
    grade: Grade
    text: str
    remedy: str = ""


def good(about: str, text: str) -> Finding:
    """A finding that is as it should be."""
    return Finding(about=about, grade=Grade.GOOD, text=text)


def warning(about: str, text: str, remedy: str) -> Finding:
    """A finding that does not keep the operator from working."""
    return Finding(about=about, grade=Grade.WARNING, text=text, remedy=remedy)


def problem(about: str, text: str, remedy: str) -> Finding:
    """A finding that does."""
    return Finding(about=about, grade=Grade.PROBLEM, text=text, remedy=remedy)


def unknown(about: str, error: FluxsmError) -> Finding:
    """What could not be looked at."""
    remedy = "ask again with an account that may read it"
    return Finding(about=about, grade=Grade.UNKNOWN, text=str(error), remedy=remedy)


def clock(server: datetime | None, now: datetime) -> Finding:
    """Whether the clock here is that of the API server.

    Args:
        server: what the API server has taken for now; None where it gave no time.
        now: what the clock here says.
    """
    about = "clock"
    if server is None:
        text = "the API server gave no time"
        return Finding(about=about, grade=Grade.UNKNOWN, text=text)
    skew = abs(now - server)
    if skew <= SKEW:
        return good(about, "that of the API server and the one here agree")
    text = f"that of the API server and the one here differ by {round(skew.total_seconds())}s"
    return warning(about, text, "set both by NTP; tokens and certificates depend on them")


def definition(crd: Manifest | None) -> Finding:
    """Whether the kind of the instance is there and established."""
    about, remedy = "definition of FluxInstance", "fluxsm install puts it into the cluster"
    if crd is None:
        return problem(about, "it does not exist", remedy)
    found = conditions.find(manifest.entries(crd, "status", "conditions"), "Established")
    served = [name for name, item in versions_of(crd).items() if item.get("served")]
    if names.VERSION not in served:
        return problem(about, f"{names.VERSION} is not served, but {', '.join(served)}", remedy)
    if (found or {}).get("status") != "True":
        return problem(about, "it is not established", "kubectl describe crd names the conflict")
    return good(about, f"established, serves {', '.join(served)}")


def leader(leases: Sequence[Manifest], now: datetime) -> Finding:
    """Whether an operator holds the lease, and renews it.

    Args:
        leases: those of the namespace.
        now: what the clock says.
    """
    about = "leader"
    remedy = "kubectl get pods -l app.kubernetes.io/name=flux-operator shows whether one runs"
    found = sorted(
        (item for item in leases if names.MANAGER in ObjectRef.of(item).name),
        key=lambda item: ObjectRef.of(item).name != names.MANAGER,
    )
    if not found:
        return problem(about, "no operator has ever held the lease", remedy)
    lease = found[0]
    holder = manifest.text(lease, "spec", "holderIdentity")
    if not holder:
        return problem(about, "nobody holds the lease: the operator was stopped", remedy)
    lasts = timedelta(seconds=manifest.number(lease, "spec", "leaseDurationSeconds"))
    try:
        renewed = parse_time(manifest.text(lease, "spec", "renewTime"))
    except MalformedError:
        return problem(about, f"{holder} holds the lease without a time", remedy)
    if now - renewed > lasts + SKEW:
        age = round((now - renewed).total_seconds())
        return problem(about, f"{holder} has not renewed the lease for {age}s", remedy)
    return good(about, f"{holder}")


def operator(deployments: Sequence[Manifest], version: str, own: str) -> Iterator[Finding]:
    """Whether the operator runs, and in the version of this program.

    Args:
        deployments: those of the operator in the namespace.
        version: of the operator as its report says, empty when there is none.
        own: of this program.
    """
    about = "operator"
    for item in deployments:
        ref = ObjectRef.of(item)
        ready, wanted = (
            manifest.number(item, "status", "availableReplicas"),
            manifest.number(item, "spec", "replicas", default=1),
        )
        if wanted == 0:
            yield problem(about, f"{ref} is scaled to 0", "kubectl scale it to 1")
        elif ready < wanted:
            text = f"{ref} has {ready} of {wanted} replicas available"
            yield problem(about, text, "kubectl describe its pods says why")
        else:
            yield good(about, f"{ref} has {ready} of {wanted} replicas available")
        yield from proxies(ref, environment(item))
    if not deployments:
        yield warning(
            about,
            "there is no Deployment of it in this namespace",
            "fluxsm install makes one; outside of the cluster it needs none",
        )
    if not version:
        yield warning("version", "no FluxReport says one", "it is written soon after the start")
    elif version.removeprefix("v") == own.removeprefix("v"):
        yield good("version", f"operator and this program are of {version}")
    else:
        text = f"the operator is {version}, and this program is {own}"
        yield warning("version", text, "plans and advice may differ; use the same version")


def environment(deployment: Manifest) -> dict[str, str]:
    """The variables of the containers of a Deployment, as far as they stand in it."""
    pod = manifest.mapping(deployment, "spec", "template", "spec")
    return {
        manifest.text(item, "name"): str(item.get("value") or "")
        for container in manifest.entries(pod, "containers")
        for item in manifest.entries(container, "env")
    }


def proxies(where: object, variables: Mapping[str, str]) -> Iterator[Finding]:
    """Whether variables send requests to the API server over a proxy.

    Args:
        where: what has the variables, for messages.
        variables: by name.
    """
    used = sorted(name for name in variables if _PROXY.match(name) and variables[name])
    if not used:
        return
    exempt = variables.get("NO_PROXY") or variables.get("no_proxy") or ""
    about, listed = f"proxy of {where}", ", ".join(used)
    if any(part.strip() in {"*", ".svc", "kubernetes.default.svc"} for part in exempt.split(",")):
        yield good(about, f"{listed}, and NO_PROXY has the cluster")
    else:
        text = f"{listed} is set, and NO_PROXY does not have the cluster"
        yield warning(about, text, "add .svc and the address of the API server to NO_PROXY")


def rights(account: str, refused: Sequence[str], asked: int) -> Finding:
    """Whether an account has the rights of the generated roles.

    Args:
        account: whose rights were asked for.
        refused: verbs and resources that it may not use.
        asked: how many rights were asked for.
    """
    if not refused:
        return good("rights", f"{account} has all {asked} rights of the roles")
    text = f"{account} lacks {len(refused)} of {asked} rights: {_some(refused)}"
    return problem("rights", text, "apply the roles in manifests/rbac, or run fluxsm install again")


def stored_versions(crds: Iterable[Manifest]) -> Finding:
    """Whether the next minor, which drops old versions, finds resources stored in them."""
    found = []
    for crd in crds:
        storage = next((n for n, item in versions_of(crd).items() if item.get("storage")), "")
        stored = manifest.read(crd, "status", "storedVersions") or []
        old = [version for version in stored if version != storage]
        if old:
            found.append(f"{ObjectRef.of(crd).name} ({', '.join(old)})")
    if not found:
        return good("stored versions", "all resources of Flux are stored in the newest version")
    text = f"resources may be stored in old versions: {_some(found)}"
    annotations = f"{names.FORCE_AT} and {names.REQUESTED_AT}"
    remedy = f"set .spec.migrateResources to true and the annotations {annotations} to one value"
    return warning("stored versions", text, remedy)


def field_managers(objects: Iterable[Manifest]) -> Finding:
    """Whether anybody but the operator and controllers has set fields of managed objects."""
    found = []
    for item in objects:
        managers = {
            manifest.text(entry, "manager")
            for entry in manifest.managed_fields_of(item)
            if not entry.get("subresource") and _sets_fields(manifest.mapping(entry, "fieldsV1"))
        }
        others = sorted(name for name in managers if not _CONTROLLERS.match(name))
        if others:
            found.append(f"{ObjectRef.of(item)} by {' and '.join(others)}")
    if not found:
        return good("field managers", "nobody else has set fields of what the operator manages")
    text = f"others have set fields: {_some(found)}"
    remedy = "fluxsm plan shows which are taken over; make lasting changes by .spec.kustomize"
    return warning("field managers", text, remedy)


def _sets_fields(fields: Mapping[str, Any]) -> bool:
    """Whether a set has more than marks that controllers and people leave in the metadata."""
    labels = set(manifest.mapping(fields, "f:metadata", "f:labels")) - _EVERYBODYS
    return bool(labels) or any(key not in {"f:metadata", "f:status"} for key in fields)


def distribution(reference: str, source: str, is_starter: bool) -> Finding:
    """Whether releases of Flux can come in by themselves.

    Args:
        reference: of the artifact of the instance, empty without one.
        source: where the bundled distribution is, for messages.
        is_starter: whether that is the one for evaluation.
    """
    if reference:
        return good("distribution", reference)
    if is_starter:
        return warning(
            "distribution",
            "the instance uses the starter distribution, which has no newer releases",
            "set .spec.distribution.artifact to one that is kept up to date",
        )
    return good("distribution", f"the bundled one in {source}")


def readiness(instance: Manifest) -> Finding:
    """Whether the instance is Ready."""
    ref = ObjectRef.of(instance)
    ready = conditions.find(manifest.entries(instance, "status", "conditions"), names.READY) or {}
    if ready.get("status") == "True":
        return good("instance", f"{ref} is Ready: {ready.get('message', '')}")
    text = f"{ref} is not Ready: {ready.get('reason', 'no status')}: {ready.get('message', '')}"
    return problem("instance", text.rstrip(": "), "fluxsm explain says what it waits for")


def _some(items: Sequence[str]) -> str:
    more = len(items) - SHOWN
    return f"{', '.join(items[:SHOWN])}{f' and {more} more' if more > 0 else ''}"
