"""The headless Chromium that drives the pages, if there is one; `.ci/run` installs it."""

import shutil
from collections.abc import Iterable

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


def start_browser(arguments: Iterable[str], log: str):
    """A Selenium driver; `log` is the log of the browser that it keeps."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in arguments:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {log: "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
