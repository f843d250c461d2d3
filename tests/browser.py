# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, and axe-core, which judges whether a page is there for everybody.

`python -m tests.browser` (`make browser`) installs both: Chromium from Debian, axe-core from the
npm registry, by its hash. Neither is committed; tests that need them are skipped where they are not
there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.debian import lacking

PROGRAMS: Final = ("chromium", "chromedriver")
AXE: Final = "axe-core@4.14.1"
AXE_SHA256: Final = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fluxsm"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


class BrowserError(Exception):
    """What is needed is not there; the message says what, and what to do."""


def check() -> None:
    """Install the browser where that is possible.

    Raises:
        BrowserError: it is not there even now.
    """
    missing = lacking(PROGRAMS)
    if missing:
        raise BrowserError(f"{' and '.join(missing)} cannot be installed; on Debian: make browser")


@cache
def axe() -> str:
    """The script of axe-core, fetched once for each machine.

    Raises:
        BrowserError: it cannot be fetched, or is not the one that is expected.
    """
    path = CACHE / f"{AXE.replace('@', '-')}.min.js"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_fetched())
    found = path.read_bytes()
    if hashlib.sha256(found).hexdigest() != AXE_SHA256:
        raise BrowserError(f"{path} is not {AXE} (SHA-256 {AXE_SHA256}): delete it and try again")
    return found.decode()


def _fetched() -> bytes:
    if not shutil.which("npm"):
        raise BrowserError(f"npm is not there to fetch {AXE}")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", AXE, "--loglevel=error", f"--pack-destination={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode or not packed:
            raise BrowserError(f"npm cannot fetch {AXE}: {done.stderr.strip()[-200:]}")
        with tarfile.open(packed[0]) as archive:
            member = archive.extractfile("package/axe.min.js")
            if member is None:
                raise BrowserError(f"{AXE} has no axe.min.js")
            return member.read()


class Browser:
    """One window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the window, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, **features: str) -> None:
        """Set what the reader prefers, such as `color_scheme="dark"`."""
        wanted = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def script(self, *, enabled: bool) -> None:
        """Switch scripts of pages on or off."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not enabled})

    def open(self, url: str) -> None:
        """Load a page."""
        self.driver.get(url)

    def run(self, script: str, *args: Any) -> Any:
        """The result of a script in the page."""
        return self.driver.execute_script(script, *args)

    def text(self, selector: str) -> str:
        """The text of the first element of a selector; empty where there is none."""
        script = (
            "const found = document.querySelector(arguments[0]);"
            "return found?.innerText ?? found?.textContent ?? ''"
        )
        return str(self.run(script, selector))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        from selenium.webdriver import ActionChains

        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def findings(self) -> list[str]:
        """What axe-core finds, a line each."""
        self.run(axe())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run({runOnly: arguments[0]}).then((all) => done(all.violations))",
            RULES,
        )
        return [
            f"{item['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for item in found
            for node in item["nodes"]
        ]

    def complaints(self) -> list[str]:
        """What the browser itself complained of since the last call, such as a blocked script."""
        found: list[str] = [str(line["message"]) for line in self.driver.get_log("browser")]
        return found

    def complaints_of_policy(self) -> list[str]:
        """Those about what the security policy of the page forbids."""
        return [line for line in self.complaints() if "Content Security Policy" in line]

    def photograph(self, path: Path) -> None:
        """Write the whole page as PNG."""
        width, height = self.run(
            "const page = document.documentElement; return [page.clientWidth, page.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip}
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def browsing() -> Iterator[Browser]:
    """A window of a browser of its own.

    Raises:
        BrowserError: there is no browser.
    """
    check()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def main() -> int:
    """Install what is missing; returns the exit code."""
    try:
        check()
        axe()
    except BrowserError as error:
        print(f"✗ {error}", file=sys.stderr)  # noqa: T201 it talks to the terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
