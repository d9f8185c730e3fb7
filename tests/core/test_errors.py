"""The tree of errors: each knows its kind in the Messages API, its sentence, and whether trying again can help."""

import re
from pathlib import Path

import pytest

from sidecar.core import errors
from sidecar.core.errors import SetupError, SidecarError, UpstreamCut, UpstreamError, UpstreamUnreachable

TREE = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, SidecarError)]
API_TYPES = {
    "invalid_request_error", "authentication_error", "permission_error", "not_found_error", "request_too_large",
    "rate_limit_error", "api_error", "overloaded_error", "not_supported", "timeout_error",
}  # fmt: skip


@pytest.mark.parametrize("error", TREE, ids=lambda e: e.__name__)
def test_every_error_has_a_sentence_and_a_kind_of_the_api(error: type[SidecarError]) -> None:
    raised = error("Say what to do.")
    assert raised.sentence == str(raised) == "Say what to do."
    assert raised.kind in API_TYPES


def test_the_drawing_names_every_error() -> None:
    drawn = set(re.findall(r"^[│├└─\s]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE))
    assert {e.__name__ for e in TREE} <= drawn
    assert Path(errors.__file__).name == "errors.py"


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (401, False), (404, False), (429, True), (503, True), (529, True)]
)
def test_a_provider_error_knows_whether_to_try_again(status: int, again: bool) -> None:
    assert UpstreamError("x", status=status).again is again


def test_a_cut_and_an_unreachable_provider_are_provider_errors() -> None:
    assert issubclass(UpstreamCut, UpstreamError)
    assert issubclass(UpstreamUnreachable, UpstreamError)
    assert UpstreamCut("x").status == 502


def test_a_setup_error_names_its_variable() -> None:
    assert SetupError("Set PORT.", "PORT").variable == "PORT"
    assert SetupError("Set something.").variable is None
