"""
Copy the barcode reader of the till (npm package zxing-wasm) into the coupons' static files.

For maintainers with npm: change VERSION and INTEGRITY together, run `python scripts/vendor_zxing.py`, look
at the diff, run the browser tests. Module and .wasm must be of the same version. The one change made: the
module's default of loading its .wasm from a public network becomes "beside the module"; a till asks
nobody outside.
"""

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "3.1.4"
INTEGRITY = "sha512-1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w=="
TARGET = Path(__file__).resolve().parent.parent / "coupons" / "static" / "coupons" / "vendor" / "zxing"
FILES = {
    "package/LICENSE": "LICENSE.txt",
    "package/dist/es/share.js": "es/share.js",
    "package/dist/es/reader/index.js": "es/reader/index.js",
    "package/dist/reader/zxing_reader.wasm": "reader/zxing_reader.wasm",
}
ELSEWHERE = b"return n ? `https://fastly.jsdelivr.net/npm/zxing-wasm@%s/dist/${n[1]}/${e}` : t + e;"
BESIDE = b"return t + e;"


def main() -> int:
    """Fetch, check and copy; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"zxing-wasm@{VERSION}"], cwd=folder, check=True)
        package = Path(folder) / f"zxing-wasm-{VERSION}.tgz"
        found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if f"sha512-{found}" != INTEGRITY:
            print(f"The package is not the expected one: sha512-{found}", file=sys.stderr)
            return 1
        with tarfile.open(package) as archive:
            for inside, name in FILES.items():
                copy(archive, inside, TARGET / name)
    note = f"zxing-wasm {VERSION} (MIT, see LICENSE.txt), compiled from zxing-cpp (Apache License 2.0)\n"
    (TARGET / "VERSION.txt").write_text(note, encoding="utf-8")
    return 0


def copy(archive: tarfile.TarFile, inside: str, path: Path) -> None:
    """One file of the package."""
    member = archive.extractfile(inside)
    assert member is not None, inside
    content = member.read()
    if inside.endswith("share.js"):
        away = ELSEWHERE % VERSION.encode()
        assert content.count(away) == 1, "the module names its .wasm in another way than before"
        content = content.replace(away, BESIDE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
