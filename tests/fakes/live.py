# SPDX-License-Identifier: Apache-2.0
"""What watches tell, for tests of one handler: a plain picture that the test paints."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsm.api.objects import Kind, Manifest, ObjectRef


class FakeLive:
    """Implements `fluxsm.ports.Live`.

    Attributes:
        objects: what is known, by identity.
        synced: whether the first lists have arrived.
        expected: the kinds that were asked for.
    """

    def __init__(self, *objects: Manifest) -> None:
        self.objects = {ObjectRef.of(item).identity: item for item in objects}
        self.synced = True
        self.expected: set[Kind] = set()

    def expect(self, kinds: Iterable[Kind]) -> bool:
        """Watch these kinds."""
        self.expected |= set(kinds)
        return self.synced

    def get(self, ref: ObjectRef) -> Manifest | None:
        """The object as last painted."""
        return self.objects.get(ref.identity)

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server."""
        self.objects[ObjectRef.of(manifest).identity] = manifest

    def forget(self) -> None:
        """Drop everything."""
        self.objects.clear()
        self.expected.clear()
