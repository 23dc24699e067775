"""The QR of a coupon."""

from dataclasses import dataclass
from typing import Literal

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import QRData

from coupons.rules.code import qr_payload
from coupons.rules.qr import side, svg_path

ALPHANUMERIC: Literal[2] = 2  # qrcode.util.MODE_ALPHA_NUM
MASK = 2  # fixed, so that a coupon always looks the same


@dataclass(frozen=True, slots=True)
class QrDrawing:
    """A path over a square of `side` modules, quiet zone included."""

    path: str
    side: int


def draw_qr(*, code: str) -> QrDrawing:
    """The code as version 1, level M, alphanumeric: 21 modules a side, which old guns read from a phone."""
    qr: QRCode = QRCode(version=1, error_correction=ERROR_CORRECT_M, mask_pattern=MASK)
    qr.add_data(QRData(qr_payload(code), mode=ALPHANUMERIC), optimize=0)
    qr.make(fit=False)
    return QrDrawing(path=svg_path(qr.modules), side=side(qr.modules))
