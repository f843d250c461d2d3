# SPDX-License-Identifier: Apache-2.0
"""Files from web servers, with the bounds and the trust of the registry client."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import unquote, urlsplit

import urllib3

from fluxsm.adapters.registry import diagnosis
from fluxsm.adapters.registry.archive import LIMITS
from fluxsm.adapters.registry.deadline import Deadline, DeadlineExceededError, run_within
from fluxsm.adapters.registry.transport import TooLargeError, Transport, tls_context
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
    parts = urlsplit(url)
    deadline = Deadline(LIMIT, time.monotonic)
    transport = Transport(
        deadline,
        partial(tls_context, settings.ca_file),
        environment_proxies=True,
        plain=parts.scheme == "http",
    )
    deadline.doing = f"GET {shown}"
    login = unquote(f"{parts.username}:{parts.password or ''}") if parts.username else None
    headers = urllib3.make_headers(basic_auth=login)
    get = partial(transport.request, "GET", url, headers=headers, limit=LIMITS.total)
    try:
        response = run_within(deadline, get)
    except (DeadlineExceededError, TooLargeError) as error:
        raise ArtifactError(f"{shown} cannot be fetched: {error}") from None
    except (*diagnosis.FAILURES, urllib3.exceptions.HTTPError) as error:
        raise ArtifactError(f"{shown}: {diagnosis.explain(error, host)}") from None
    finally:
        transport.close()
    if response.status in {404, 410}:
        return None
    if response.status != 200:
        raise ArtifactError(f"{shown}: {host} answers {response.status}")
    return response.content
