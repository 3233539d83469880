"""Preparing the virtual machine: what lacks is named with its fix, and what fails leaves nothing behind."""

import shutil

import pytest

from tests.driver import parts


@pytest.fixture
def only(tmp_path, monkeypatch):
    """only(*tools) leaves these on PATH alone, and an empty cache."""
    monkeypatch.setenv(parts.CACHE_VARIABLE, str(tmp_path / "cache"))

    def leave(*tools):
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in tools:
            (folder / tool).symlink_to(shutil.which(tool))
        monkeypatch.setenv("PATH", str(folder))

    return leave


@pytest.mark.driver
def test_without_the_emulator_its_package_is_named(only):
    only(*parts.TOOLS)
    assert "qemu-system-x86`" in parts.obstacle()


@pytest.mark.driver
def test_without_the_compiler_its_package_is_named(only):
    only(parts.QEMU, "apt-cache", "apt-get", "dpkg-deb", "make")
    assert parts.obstacle().startswith("needs gcc-12 (") and "`apt install" in parts.obstacle()


@pytest.mark.driver
def test_without_lists_of_packages_their_fetching_is_named(only, tmp_path, monkeypatch):
    only(parts.QEMU, *parts.TOOLS)
    (tmp_path / "apt.conf").write_text(f'Dir::State "{tmp_path}"; Dir::Cache "{tmp_path}";')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    assert "`apt-get update`" in parts.obstacle()


@pytest.mark.driver
def test_a_failed_download_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    """Nobody listens at port 9 of this machine."""
    (tmp_path / "apt.conf").write_text('Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::Retries "0";')
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setenv(parts.CACHE_VARIABLE, str(tmp_path / "cache"))
    with pytest.raises(RuntimeError, match="127.0.0.1"):
        parts.prepared()
    assert list((tmp_path / "cache").iterdir()) == list((tmp_path / "temporary").iterdir()) == []
