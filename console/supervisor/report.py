"""What runs in a place, in words for `manage.py status`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from console.embedded import postgres, valkey
from console.embedded.place import Place
from console.embedded.running import Running, is_alive
from console.supervisor.instance import running_instance


def lines(place: Place) -> Iterator[str]:
    """One line for the whole, then one for each part that runs."""
    found = running_instance(place)
    if found is None:
        yield f"The console is not running (state in {place.folder})."
    else:
        address = found.get("WEB_URL", "an address not known yet")
        yield f"The console runs at {address} (pid {found.get('pid')}, state in {place.folder})."
    for name, service in (("database", postgres.find(place)), ("broker", valkey.find(place))):
        if service is not None:
            yield _line(name, service.pid, service.started_at, _where(service))
    for part in (found or {}).get("parts", []):
        if is_alive(part["pid"], part["started_at"]):
            where = {"web": "WEB_URL", "simulator": "SIMULATOR_URL"}.get(part["name"], "")
            yield _line(part["name"], part["pid"], part["started_at"], (found or {}).get(where, ""))
        else:
            yield f"  {part['name']:<11} down"


def _where(service: Running) -> str:
    return f"127.0.0.1:{service.port}"


def _line(name: str, pid: int, since: float, where: str) -> str:
    moment = datetime.fromtimestamp(since, tz=UTC).astimezone()
    return f"  {name:<11} pid {pid:<8} since {moment:%Y-%m-%d %H:%M:%S}  {where}".rstrip()
