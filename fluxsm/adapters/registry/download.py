# SPDX-License-Identifier: Apache-2.0
"""Files from web servers, with the bounds and the trust of the registry client."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import requests

from fluxsm.adapters.registry import diagnosis
from fluxsm.adapters.registry.archive import LIMITS
from fluxsm.adapters.registry.deadline import Deadline, DeadlineExceededError, run_within
from fluxsm.adapters.registry.transport import TooLargeError, new_session, tls_context
from fluxsm.core.settings import RegistrySettings
from fluxsm.errors import ArtifactError

LIMIT: Final = timedelta(minutes=2)
"""How long one file may take."""


def download(url: str, settings: RegistrySettings) -> bytes | None:
    """Fetch a file; None when the server does not have it.

    Args:
        url: http or https; an https address never leads to plain HTTP.
        settings: whose authorities are trusted.

    Raises:
        ArtifactError: the server cannot be reached, refuses, or sends too much.
    """
    shown = diagnosis.without_secrets(url)
    host = urlsplit(shown).netloc
    deadline = Deadline(LIMIT, time.monotonic)
    session, adapter = new_session(
        deadline, tls_context(settings.ca_file), environment_proxies=True
    )
    adapter.plain = urlsplit(url).scheme == "http"
    adapter.body_limit = LIMITS.total
    deadline.doing = f"GET {shown}"
    try:
        with session:
            response = run_within(deadline, lambda: session.get(url))
    except (DeadlineExceededError, TooLargeError) as error:
        raise ArtifactError(f"{shown} cannot be fetched: {error}") from None
    except requests.RequestException as error:
        raise ArtifactError(f"{shown}: {diagnosis.explain(error, host)}") from None
    if response.status_code in {404, 410}:
        return None
    if response.status_code != 200:
        raise ArtifactError(f"{shown}: {host} answers {response.status_code}")
    return response.content
