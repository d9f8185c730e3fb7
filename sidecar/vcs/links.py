"""Where a commit can be seen on the web: the address of its page, out of the address of the repository's remote.

Only the host and the path of the remote are used: what signs in (a name, a token) is never part of a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from sidecar.vcs.runner import Git

Link = Callable[[str], str]
"""From a commit's id to the address of its page."""

_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!/)(\S+)")
_URL = re.compile(r"(?:https?|ssh|git)(?:\+\w+)?://(?:[^@/\s]*@)?([A-Za-z0-9.-]+)(?::\d+)?/(\S+)")


async def commit_link(git: Git) -> Link | None:
    """What links a commit: by the remote of the current branch, else `origin`, else the only one. None where nothing tells."""
    names = (await git.run("remote")).decode("utf-8", "replace").split("\n")[:-1]
    branch = (await git.run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))).decode("utf-8", "replace").strip()
    own = b"" if not branch else await git.run("config", "--get", f"branch.{branch}.remote", ok=(0, 1, 128))
    wanted = [own.decode("utf-8", "replace").strip(), "origin", names[0] if len(names) == 1 else ""]
    name = next((each for each in wanted if each in names and not each.startswith("-")), None)
    if name is None:
        return None
    said = await git.run("remote", "get-url", name, ok=(0, 2, 128))
    return link_for(said.decode("utf-8", "replace").split("\n")[0])


def link_for(address: str) -> Link | None:
    """What links the commits of a remote; None for a host whose form is not known, and for a folder.

    GitHub, GitLab, Bitbucket (both kinds), Azure DevOps, Gitea and Codeberg, also on hosts of one's own that say so.
    """
    match = _URL.fullmatch(address.strip()) or _SCP.fullmatch(address.strip())
    if match is None:
        return None
    host = match[1].lower()
    parts = [
        quote(unquote(part), safe="-._~") for part in match[2].removesuffix("/").removesuffix(".git").split("/") if part
    ]
    if not parts or any(part in {".", ".."} for part in parts):
        return None
    base = _azure(host, parts) or _page(host, parts)
    return None if base is None else lambda commit: f"{base}{commit}"


def _page(host: str, parts: list[str]) -> str | None:
    if len(parts) < 2:
        return None
    path = "/".join(parts)
    if "gitlab" in host:
        return f"https://{host}/{path}/-/commit/"
    if host == "bitbucket.org":
        return f"https://{host}/{path}/commits/"
    if "bitbucket" in host:
        project, name = parts[-2:]
        kind = "users" if project.startswith("~") else "projects"
        return f"https://{host}/{kind}/{project.lstrip('~')}/repos/{name}/commits/"
    known = "github" in host or "gitea" in host or "forgejo" in host or host == "codeberg.org"
    return f"https://{host}/{path}/commit/" if known else None


def _azure(host: str, parts: list[str]) -> str | None:
    """Azure DevOps, in its four spellings."""
    if host in {"ssh.dev.azure.com", "vs-ssh.visualstudio.com"} and len(parts) == 4 and parts[0] == "v3":
        return f"https://dev.azure.com/{parts[1]}/{parts[2]}/_git/{parts[3]}/commit/"
    if "_git" not in parts[:-1]:
        return None
    if host == "dev.azure.com" or host.endswith(".visualstudio.com"):
        return f"https://{host}/{'/'.join(parts)}/commit/"
    return None
