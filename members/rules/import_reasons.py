"""Why a row was refused, in words for the error file: Chinese, English."""

REASONS: dict[str, tuple[str, str]] = {
    "PHONE_EMPTY": ("没有手机号", "There is no phone number."),
    "PHONE_NOT_A_NUMBER": ("手机号里有数字以外的内容", "The phone number holds something else than digits."),
    "PHONE_WRONG_LENGTH": ("手机号不是 11 位", "A mainland mobile number has 11 digits."),
    "PHONE_NOT_MOBILE": ("不是内地手机号段", "The number does not begin like a mainland mobile number."),
    "PHONE_SCIENTIFIC": (
        "手机号被表格软件变成了科学计数法，末几位已丢失；请把该列设为文本后重新导出",
        "A spreadsheet turned the phone number into scientific notation and lost its last digits; "
        "make the column text and export again.",
    ),
    "CODE_SCIENTIFIC": (
        "编号被表格软件变成了科学计数法，末几位已丢失；请把该列设为文本后重新导出",
        "A spreadsheet turned the number into scientific notation and lost its last digits; "
        "make the column text and export again.",
    ),
    "CARD_NO_EMPTY": ("没有会员卡号", "There is no card number."),
    "CARD_NO_TOO_LONG": ("会员卡号超过 32 个字符", "The card number has more than 32 characters."),
    "STORE_CODE_EMPTY": ("没有门店编码", "There is no store code."),
    "STORE_CODE_TOO_LONG": ("门店编码超过 32 个字符", "The store code has more than 32 characters."),
    "ORDER_NO_EMPTY": ("没有订单号", "There is no order number."),
    "ORDER_NO_TOO_LONG": ("订单号超过 40 个字符", "The order number has more than 40 characters."),
    "SKU_EMPTY": ("没有商品编码", "There is no SKU."),
    "SKU_TOO_LONG": ("商品编码超过 40 个字符", "The SKU has more than 40 characters."),
    "NAME_EMPTY": ("没有名称", "There is no name."),
    "NAME_TOO_LONG": ("姓名或名称超过 64 个字符", "The name has more than 64 characters."),
    "PRODUCT_TOO_LONG": ("商品名称超过 120 个字符", "The product name has more than 120 characters."),
    "CATEGORY_TOO_LONG": ("品类超过 40 个字符", "The category has more than 40 characters."),
    "CITY_TOO_LONG": ("城市超过 32 个字符", "The city has more than 32 characters."),
    "INCOME_BAND_TOO_LONG": ("收入段超过 32 个字符", "The income band has more than 32 characters."),
    "LEVEL_TOO_LONG": ("会员等级超过 32 个字符", "The level has more than 32 characters."),
    "TEXT_DAMAGED": (
        "文字已损坏（乱码），请用 UTF-8 重新导出",
        "Characters were lost before the file reached us; export it again as UTF-8.",
    ),
    "GENDER_NOT_READABLE": ("性别请写 男 或 女，未知请留空", "Write M or F, or leave the gender empty."),
    "CONSENT_NOT_READABLE": (
        "营销同意请写 是 或 否，不清楚请留空",
        "Write yes or no for marketing consent, or leave it empty.",
    ),
    "DATE_EMPTY": ("没有日期", "There is no date."),
    "DATE_NOT_READABLE": ("日期看不懂，请写成 2026-10-01", "The date is not readable; write 2026-10-01."),
    "DATE_OUT_OF_RANGE": ("日期不在 1900–2100 年之间", "The date is not between 1900 and 2100."),
    "AMOUNT_EMPTY": ("没有金额", "There is no amount."),
    "AMOUNT_NOT_READABLE": ("金额不是数字", "The amount is not a number."),
    "AMOUNT_TOO_MANY_DECIMALS": ("金额最多两位小数", "An amount in yuan has at most two decimals."),
    "AMOUNT_NEGATIVE": ("金额不能为负；退货单请勿导入", "The amount is negative; leave returns out."),
    "AMOUNT_TOO_LARGE": ("金额过大", "The amount is too large."),
    "NUMBER_NOT_READABLE": ("应为整数", "This should be a whole number."),
    "NUMBER_TOO_LARGE": ("数字过大", "The number is too large."),
    "QUANTITY_NOT_READABLE": (
        "数量应为不小于 0 的数字，最多三位小数",
        "The quantity should be a number from 0 with at most three decimals.",
    ),
}
