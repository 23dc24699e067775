"""Where one clone of the project keeps its state: rows, broker, secrets, logs."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.embedded.account import Account, blocked_by, give, service_account
from console.embedded.errors import EmbeddedError
from console.embedded.files import read_json, write_json

PROJECT = Path(__file__).resolve().parents[2]
SYSTEM_STATE = Path("/var/lib")
MARKER = "state.json"
POINTER = "state-folder.txt"


@dataclass(frozen=True)
class Place:
    """
    A state folder and who runs services in it.

    `throwaway` trades safety for speed: what is in there does not outlive its creator.
    """

    folder: Path
    account: Account | None = None
    throwaway: bool = False

    @property
    def rows(self) -> Path:
        return self.folder / "postgres"

    @property
    def broker(self) -> Path:
        return self.folder / "valkey"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.json"

    @property
    def services(self) -> Path:
        return self.folder / "services.json"

    @property
    def supervisor(self) -> Path:
        return self.folder / "supervisor.json"

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    def lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    @property
    def exists(self) -> bool:
        return (self.folder / MARKER).is_file()


def locate(environ: Mapping[str, str], project: Path = PROJECT) -> Place:
    """
    The state folder of a clone: STATE_DIR, else `var/`, else for root a system folder of its own.

    Creates nothing. Raises EmbeddedError when root has no account to lend to the services.
    """
    account = service_account(environ)
    asked = environ.get("STATE_DIR", "").strip()
    if asked:
        return Place(Path(asked).expanduser().absolute(), account)
    if account is None:
        return Place(project / "var")
    return Place(_moved_with(project) or _system_folder(project), account)


def prepare(place: Place, project: Path = PROJECT) -> None:
    """
    Create the state folder, or check that the one that is there is ours; safe to repeat.

    Raises EmbeddedError when the folder cannot be used.
    """
    try:
        _prepare(place, project)
    except OSError as error:
        raise EmbeddedError(
            f"The state folder {place.folder} cannot be written: {error.strerror}. "
            "Give it to this user, or name another one in STATE_DIR."
        ) from error
    blocking = blocked_by(place.folder, place.account)
    if blocking is not None and place.account is not None:
        raise EmbeddedError(
            f"Account {place.account.name}, which runs the services, may not enter {blocking}. "
            f"Choose a state folder elsewhere with STATE_DIR (now {place.folder})."
        )


def _prepare(place: Place, project: Path) -> None:
    foreign = place.folder.is_dir() and not place.exists and place.folder != project / "var"
    if foreign and any(place.folder.iterdir()):
        raise EmbeddedError(f"{place.folder} has other files in it; STATE_DIR needs an empty or new folder.")
    # Root keeps the folder itself; the account owns only what is inside `postgres` and `valkey`.
    mode = 0o700 if place.account is None else 0o755
    if not place.exists:
        place.folder.mkdir(mode=mode, parents=True, exist_ok=True)
        if place.folder != project / "var":
            place.folder.chmod(mode)
    if read_json(place.folder / MARKER).get("clone") != str(project):
        write_json(place.folder / MARKER, {"clone": str(project)})
    if place.account is not None and not place.throwaway and place.folder.parent == SYSTEM_STATE:
        _point(place, project)


def _system_folder(project: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(project.resolve())).hexdigest()
    return SYSTEM_STATE / f"sms-console-{digest[:8]}"


def _moved_with(project: Path) -> Path | None:
    """The folder the pointer names, when its clone was moved here rather than copied."""
    try:
        folder = Path((project / "var" / POINTER).read_text(encoding="utf-8").strip())
    except OSError:
        return None
    clone = read_json(folder / MARKER).get("clone")
    if clone and (clone == str(project) or not Path(clone).exists()):
        return folder
    return None


def _point(place: Place, project: Path) -> None:
    var = project / "var"
    pointer = var / POINTER
    if pointer.is_file() and pointer.read_text(encoding="utf-8").strip() == str(place.folder):
        return
    owner = project.stat()
    if not var.exists():
        var.mkdir()
        give(var, Account(name="owner", uid=owner.st_uid, gid=owner.st_gid))
    pointer.write_text(f"{place.folder}\n", encoding="utf-8")
