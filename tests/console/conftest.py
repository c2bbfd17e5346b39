"""One Chromium a module, for every page."""

from collections.abc import Iterator

import pytest

from tests.console.browser import Browser


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(chromium, tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened
