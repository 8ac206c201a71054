"""What several test files share."""

import pytest

from tcnsc_lib.faces.detect import FaceFinder


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()
