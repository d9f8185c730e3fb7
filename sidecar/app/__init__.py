"""Build, start and stop the parts of one workspace: the only place that knows everybody, and decides nothing."""

from sidecar import certificates

with certificates.late():
    from sidecar.app.doors import run_lsp, run_mcp, run_serve
    from sidecar.app.workspace import Sidecar

__all__ = ["Sidecar", "run_lsp", "run_mcp", "run_serve"]
