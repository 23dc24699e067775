"""What kind of text file did somebody hand over? Encoding and delimiter, from its bytes alone."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Literal

FileRefusal = Literal["EMPTY", "BINARY", "UNKNOWN_ENCODING"]
Encoding = Literal["utf-8-sig", "utf-8", "gb18030", "utf-16"]

_SENTENCES: dict[FileRefusal, str] = {
    "EMPTY": "The file is empty.",
    "BINARY": "The file is no text file; save it as CSV.",
    "UNKNOWN_ENCODING": "The file is neither UTF-8 nor GB18030; save it as CSV UTF-8.",
}
DELIMITERS = (",", "\t", ";")

_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Office, old Office, PDF, gzip, RAR, 7z: what people drop by mistake.
_FOREIGN_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")
_HEAD_BYTES = 4_096


class FileRefused(ValueError):
    """The file can't be read as text; `code` says why."""

    def __init__(self, code: FileRefusal) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code


def sniff_encoding(chunks: Iterable[bytes]) -> Encoding:
    """
    Find the encoding of a whole file read in chunks of any size, in constant memory.

    A byte order mark decides; else strict UTF-8; else strict GB18030 (which holds GBK and GB2312).
    Raises FileRefused: nothing but blanks is EMPTY, a NUL near the start or a foreign file mark BINARY.
    """
    rest = iter(chunks)
    head = _head(rest)
    if not head.strip():
        raise FileRefused("EMPTY")
    encodings = _candidates(head)
    decoders = {encoding: codecs.getincrementaldecoder(encoding)("strict") for encoding in encodings}
    _drop_misfits(decoders, head)
    for chunk in rest:
        _drop_misfits(decoders, chunk)
    _drop_misfits(decoders, b"", is_last=True)
    return next(encoding for encoding in encodings if encoding in decoders)


def _head(chunks: Iterator[bytes]) -> bytes:
    """The first bytes of a file, enough to judge by; at least as much as the chunk that completes them."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    return head


def _candidates(head: bytes) -> tuple[Encoding, ...]:
    """The encodings a file that begins like this can have, best first."""
    if head.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if head.startswith(_UTF_32_MARKS):
        raise FileRefused("UNKNOWN_ENCODING")
    if head.startswith(_UTF_16_MARKS):
        return ("utf-16",)
    if head.startswith(_FOREIGN_MARKS) or b"\0" in head[:_HEAD_BYTES]:
        raise FileRefused("BINARY")
    return ("utf-8", "gb18030")


def _drop_misfits(decoders: dict[Encoding, codecs.IncrementalDecoder], chunk: bytes, *, is_last: bool = False) -> None:
    """Forget each encoding the chunk breaks. Raises FileRefused when none is left."""
    for encoding in list(decoders):
        try:
            decoders[encoding].decode(chunk, is_last)
        except UnicodeDecodeError:
            del decoders[encoding]
    if not decoders:
        raise FileRefused("UNKNOWN_ENCODING")


def sniff_delimiter(header_line: str) -> str:
    """The delimiter that splits a header line into most columns, quoted text aside; a comma if in doubt."""
    unquoted = "".join(header_line.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)
