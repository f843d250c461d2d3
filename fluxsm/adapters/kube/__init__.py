# SPDX-License-Identifier: Apache-2.0
"""Kubernetes, by the official client's configuration and transport, and plain dicts.

These packages of the client import all of the others (informer, streams, dynamic client, OpenID
Connect), 10 MiB and a third of a second. In a pod a few small modules are enough.
"""

from __future__ import annotations

from fluxsm.adapters.waiting import let_wait

let_wait("kubernetes", "kubernetes.config", "kubernetes.utils")
