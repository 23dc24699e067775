"""
A coupon code as the bars of a Code 128, code set B (ISO/IEC 15417), for scan guns that read no QR.

Each symbol is six widths, dark and light in turn, of 11 modules together; the stop has one bar more.
"""

START_B = 104
STOP = 106
QUIET_ZONE = 10

# Widths of the symbols 0 to 106 in the order of the standard.
_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
_WIDTHS = _TABLE.split()


def symbols_of(text: str) -> list[int]:
    """The numbers of all symbols: start, the text, check, stop. Raises ValueError for what set B cannot say."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise ValueError("Code set B has the printable characters of ASCII.")
    values = [ord(character) - 32 for character in text]
    check = (START_B + sum(place * value for place, value in enumerate(values, start=1))) % 103
    return [START_B, *values, check, STOP]


def bars_of(text: str) -> str:
    """The dark bars as the path of an SVG, one module high; the first bar starts at 0, quiet zones not included."""
    place, path = 0, []
    for symbol in symbols_of(text):
        for index, width in enumerate(map(int, _WIDTHS[symbol])):
            if index % 2 == 0:
                path.append(f"M{place} 0h{width}v1h-{width}z")
            place += width
    return "".join(path)


def width_of(text: str) -> int:
    """Modules from the first bar to the last."""
    return sum(int(width) for symbol in symbols_of(text) for width in _WIDTHS[symbol])
