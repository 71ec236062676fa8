"""The app as the browser tests meet it: one server for all of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Their assertions tell what was found, as those of tests do; before anything imports them.
pytest.register_assert_rewrite("tests.visiting", "tests.serving")

from tests.serving import served  # noqa: E402

if TYPE_CHECKING:
    from tests.visiting import Visit


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def address(home: Path) -> Iterator[str]:
    """The real app over a home of its own, one for all browser tests."""
    with served(home) as url:
        yield url


# Not for the whole session: while it is open, its event loop keeps asynchronous tests from running.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from tests.visiting import CHROMIUM, FLAGS, playwright

    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, address: str) -> "Iterator[Visit]":
    from tests.visiting import Visit

    tab = Visit(browser, address)
    yield tab
    tab.close()
