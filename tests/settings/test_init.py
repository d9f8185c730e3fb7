"""This process's environment reaches the settings through one function."""

from sidecar.settings import environment, from_machine


def test_from_machine_reads_this_process(monkeypatch, tmp_path):
    monkeypatch.setenv("PORT", "4242")
    assert environment()["PORT"] == "4242"
    assert from_machine({}, tmp_path).server.port == 4242
