"""A QR matrix as the path of an SVG (ISO/IEC 18004: four light modules around)."""

from collections.abc import Sequence

QUIET_ZONE = 4


def svg_path(matrix: Sequence[Sequence[bool | None]]) -> str:
    """One rectangle for each run of dark modules, moved in by the quiet zone."""
    return "".join(
        f"M{start + QUIET_ZONE} {row + QUIET_ZONE}h{length}v1h-{length}z"
        for row, modules in enumerate(matrix)
        for start, length in _dark_runs(modules)
    )


def side(matrix: Sequence[Sequence[bool | None]]) -> int:
    """Modules along one side, with the quiet zone."""
    return len(matrix) + 2 * QUIET_ZONE


def _dark_runs(modules: Sequence[bool | None]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for place, is_dark in enumerate(modules):
        if not is_dark:
            continue
        if runs and sum(runs[-1]) == place:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs
