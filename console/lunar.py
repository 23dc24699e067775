"""What a Chinese wall calendar says of a day."""

from datetime import date

from lunar_python import Solar

# Of the days of the solar year those that shops in China decorate for.
CELEBRATED = frozenset(
    {
        "元旦节",
        "情人节",
        "妇女节",
        "劳动节",
        "青年节",
        "儿童节",
        "母亲节",
        "父亲节",
        "教师节",
        "国庆节",
        "平安夜",
        "圣诞节",
    }
)


def words_of(day: date) -> tuple[str, bool]:
    """The festival or solar term of a day and True, else its lunar day (`初九`, on a first `九月`) and False."""
    solar = Solar.fromYmd(day.year, day.month, day.day)
    lunar = solar.getLunar()
    named = [*lunar.getFestivals(), *(name for name in solar.getFestivals() if name in CELEBRATED), lunar.getJieQi()]
    if name := next(filter(None, named), ""):
        return name, True
    if lunar.getDay() == 1:
        return f"{lunar.getMonthInChinese()}月", False
    return lunar.getDayInChinese(), False
