"""The routes of the dashboard: an open page that holds nothing, figures for those who have a right, and what browsers are told."""

from __future__ import annotations

import re

import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import NotFound, StoreError
from sidecar.core.ports import Document
from sidecar.dashboard.page import FILES, read_file
from sidecar.dashboard.passes import make_code
from sidecar.endpoint.dashboard import DashboardDoor
from sidecar.endpoint.server import Access, Endpoint, Identity
from tests.endpoint.conftest import TOKEN, Served
from tests.fakes.provider import FakeProvider

FIGURES = ("/api/status", "/api/usage", "/api/turns", "/api/tests", "/api/coverage", "/api/review")
BEARER = f"Authorization: Bearer {TOKEN}"


class Board:
    """The page's own files, and figures that say what was asked."""

    async def get(self, target: str) -> Document:
        if target in FILES:
            return read_file(target)
        if target == "/api/tests?limit=7":
            raise StoreError("The database could not be used.")
        if target.partition("?")[0] not in FIGURES:
            raise NotFound(f"Nothing at {target}.")
        return Document("application/json", b'{"asked":"' + target.encode() + b'"}')


@pytest.fixture
async def served():
    provider = FakeProvider()
    endpoint = Endpoint(AnswerTurn(provider), identity=Identity("sidecar", "1"), access=Access("token", TOKEN), port=0)
    endpoint.add(DashboardDoor(Board(), TOKEN).routes())
    async with endpoint:
        yield Served(endpoint, provider, None)


async def get(served: Served, path: str, *lines: str, method: str = "GET", host: str | None = None):
    answered = await served.raw(*served.head(method, path, host=host), *lines)
    assert answered is not None
    assert not [name for name in answered.headers if name.startswith("access-control-")]
    assert "set-cookie" not in answered.headers
    return answered


@pytest.mark.parametrize("path", FILES)
async def test_the_page_is_open_and_says_what_it_may_load(served: Served, path: str):
    answered = await get(served, path)
    assert (answered.status, answered.body) == (200, read_file(path).body)
    headers = answered.headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'", "connect-src": "'self'",
        "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
    assert headers["content-type"] == FILES[path][1]


@pytest.mark.parametrize("path", FIGURES)
async def test_figures_want_a_right(served: Served, path: str):
    for credentials in ([], ["x-api-key: wrong"], ["Cookie: key=x"], [f"x-sidecar-code: {make_code(TOKEN)}"]):
        answered = await get(served, path, *credentials)
        assert (answered.status, answered.error) == (401, "authentication_error")
    answered = await get(served, f"{path}?days=3", BEARER)
    assert (answered.status, answered.json) == (200, {"asked": f"{path}?days=3"})
    assert answered.headers["cache-control"] == "no-store"
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-security-policy"].startswith("default-src 'none'; ")


async def test_a_code_gives_a_key_that_opens_the_figures_and_nothing_else(served: Served):
    code = make_code(TOKEN)
    told = await get(served, "/api/session", f"x-sidecar-code: {code}")
    assert told.status == 200
    assert told.headers["cache-control"] == "no-store"
    key = f"x-api-key: {told.json['key']}"
    assert TOKEN not in told.body.decode()
    for path in FIGURES:
        assert (await get(served, path, key)).status == 200
    for path in ("/v1/models", "/metrics", "/api/nothing"):
        assert (await get(served, path, key)).status == 401
    again = await get(served, "/api/session", f"x-sidecar-code: {code}")
    assert (again.status, again.error) == (401, "authentication_error")
    assert code not in again.body.decode()


@pytest.mark.parametrize("code", ["", "x", TOKEN, "1.2.3"])
async def test_without_a_code_there_is_no_key(served: Served, code: str):
    answered = await get(served, f"/api/session?code={code}", f"x-sidecar-code: {code}", BEARER)
    assert (answered.status, answered.error) == (401, "authentication_error")


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/app.js", "/api/session", *FIGURES])
@pytest.mark.parametrize(
    "line",
    ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null", "X-Forwarded-For: 127.0.0.1"],
)  # fmt: skip
async def test_other_sites_pages_and_links_are_refused_whatever_they_bring(served: Served, path: str, line: str):
    answered = await get(served, path, line, BEARER, f"x-sidecar-code: {make_code(TOKEN)}")
    assert (answered.status, answered.error) == (403, "permission_error")


@pytest.mark.parametrize("path", ["/dashboard", *FIGURES])
async def test_a_rebound_name_is_refused(served: Served, path: str):
    answered = await get(served, path, BEARER, host=f"evil.example:{served.endpoint.port}")
    assert (answered.status, answered.error) == (403, "permission_error")


@pytest.mark.parametrize("line", ["Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin"])
async def test_what_a_person_opens_and_what_the_page_asks_is_let_in(served: Served, line: str):
    assert (await get(served, "/dashboard?x", line)).status == 200
    assert (await get(served, "/api/status", line, BEARER)).status == 200


@pytest.mark.parametrize("path", ["/dashboard", "/api/session", *FIGURES])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_can_be_sent(served: Served, path: str, method: str):
    answered = await get(served, path, BEARER, method=method)
    assert (answered.status, answered.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/",
        "/dashboard/index.html",
        "/dashboard/../values.py",
        "/dashboard/%2e%2e/values.py",
        "/api/../v1/models",
    ],
)
async def test_no_other_file_is_handed_out(served: Served, path: str):
    answered = await get(served, path, BEARER)
    assert (answered.status, answered.error) == (404, "not_found_error")


async def test_a_fault_is_told_in_the_apis_form(served: Served):
    answered = await get(served, "/api/tests?limit=7", BEARER)
    assert (answered.status, answered.error) == (500, "api_error")
    assert "database" in answered.json["error"]["message"]


async def test_a_code_is_not_logged(served: Served, caplog: pytest.LogCaptureFixture):
    code = make_code(TOKEN)
    with caplog.at_level("DEBUG"):
        await get(served, f"/dashboard?code={code}", f"x-sidecar-code: {code}")
        await get(served, "/api/session", f"x-sidecar-code: {code}")
    assert re.search(r"path=/api/session", caplog.text)
    assert code not in caplog.text
