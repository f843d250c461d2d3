# SPDX-License-Identifier: Apache-2.0
"""Instances and what the build makes of them with the starter distribution.

CRDs are named only: their schemas come unchanged from Flux, and would hide everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api.instance import parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build import version, yaml
from fluxsm.build.pipeline import build

FOLDER: Final = Path(__file__).parent / "starter"
_SUFFIX: Final = ".instance.yaml"


@dataclass(frozen=True)
class Case:
    """One instance.

    Attributes:
        name: what it is called.
    """

    name: str

    @property
    def instance(self) -> Path:
        """The file of the instance."""
        return FOLDER / f"{self.name}{_SUFFIX}"

    @property
    def expected(self) -> Path:
        """The file of what comes out."""
        return FOLDER / f"{self.name}.expected.yaml"


CASES: Final = [
    Case(path.name.removesuffix(_SUFFIX)) for path in sorted(FOLDER.glob(f"*{_SUFFIX}"))
]


def write(case: Case) -> str:
    """What the operator applies for a case, as YAML, after a line with the version."""
    (manifest,) = yaml.load_mappings(case.instance.read_bytes(), case.name)
    instance, place = parse_instance(manifest), open_folder(starter_folder())
    chosen = version.resolve(instance.spec.distribution.version, place.versions())
    result = build(instance, place, chosen)
    return f"# {result.version}\n{yaml.dump_all(map(_brief, result.objects))}"


def _brief(item: Manifest) -> Manifest:
    if item["kind"] != "CustomResourceDefinition":
        return item
    return {key: value for key, value in item.items() if key != "spec"}
