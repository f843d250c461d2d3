# SPDX-License-Identifier: Apache-2.0
"""Which proxy the environment names for an address.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are read as the standard library reads them, in
upper or lower case; NO_PROXY may also list networks (`10.0.0.0/8`), which is usual in clusters.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit


def proxy_for(url: str) -> str:
    """The address of the proxy for a URL; empty where none is to be used."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return ""
    # Few environments name a proxy, and the module is slow to load.
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    proxies = getproxies()
    parts = urlsplit(url)
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    host = parts.netloc.rpartition("@")[2]
    if not found or proxy_bypass(host, proxies):
        return ""
    if _is_listed(parts.hostname or "", proxies.get("no", "")):
        return ""
    return found if "://" in found else f"http://{found}"


def _is_listed(host: str, no_proxy: str) -> bool:
    """Whether a host is an IP address in a listed network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(no_proxy))


def _networks(no_proxy: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    found = []
    for entry in no_proxy.split(","):
        try:
            found.append(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError:
            continue
    return found
