"""The dashboard in its place: nothing of it is loaded before it is asked, and a whole sidecar fills it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

from sidecar.app import Sidecar
from sidecar.dashboard.passes import make_code
from sidecar.settings import load
from tests.fakes.repository import Repository

TOKEN = "token-of-the-tests-0123456789"
QUESTION = {
    "model": "claude-2.1",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Summarize the recent diff"}],
}


async def test_a_turn_shows_up_with_its_id(tmp_path: Path) -> None:
    repository = Repository.create(tmp_path / "ledger", {"a.py": "def a():\n    return 1\n"})
    repository.write({"a.py": "def a():\n    while True:\n        pass\n"})
    env = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "SIDECAR_TOKEN": TOKEN, "SIDECAR_AUTH": "token"}
    async with (
        Sidecar(load({}, env, None, repository.root), version="1.2") as sidecar,
        aiohttp.ClientSession(sidecar.status().base_url) as http,
    ):

        async def get(target: str, **headers: str) -> tuple[int, Any]:
            async with http.get(target, headers=headers) as response:
                return response.status, await response.json()

        assert (await get("/api/status"))[0] == 401
        status, told = await get("/api/session", **{"x-sidecar-code": make_code(TOKEN)})
        assert status == 200
        key = {"x-api-key": told["key"]}
        assert (await get("/v1/models", **key))[0] == 401
        async with http.post("/v1/messages", json=QUESTION, headers={"x-api-key": TOKEN}) as response:
            await response.read()
            ident = response.headers["request-id"]
        async with asyncio.timeout(20):
            while not (turns := (await get("/api/turns", **key))[1]["turns"]):
                await asyncio.sleep(0.05)
        assert [(turn["id"], turn["outcome"]) for turn in turns] == [(ident, "done")]
        assert (await get("/api/usage", **key))[1]["total"]["requests"] == 1
        status, told = await get("/api/status", **key)
        assert (told["name"], told["version"], told["provider"], told["workspace"]) == (
            "claude-sidecar", "1.2", "offline", str(repository.root),
        )  # fmt: skip
        reviews = await asyncio.gather(*(get("/api/review", **key) for _ in range(3)), get("/api/coverage", **key))
        assert [one["files"][0]["path"] for _, one in reviews[:3]] == ["a.py"] * 3
        assert reviews[3][1]["total"] is None


def test_starting_loads_nothing_of_it() -> None:
    code = "import sys, sidecar.app\nprint(sorted(n for n in sys.modules if n.startswith('sidecar.dashboard')))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['sidecar.dashboard', 'sidecar.dashboard.passes']"
