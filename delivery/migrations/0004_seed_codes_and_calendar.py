"""Receipt codes (providers.md 1.4) and the Chinese calendar, as rows that staff may change."""

from datetime import date, timedelta

from django.db import migrations

NUMBER_DEAD = "换一个号码；会员到店时请店员核对手机号"
NUMBER_SOFT = "不用处理，下次活动会再发；连续几次没送到会自动停发"
CODES = [
    ("MK:0000", "暂时没送到", NUMBER_SOFT, "SOFT"),
    ("MK:0001", "空号", NUMBER_DEAD, "HARD"),
    ("MK:0005", "停机", NUMBER_SOFT, "SOFT"),
    ("MK:0010", "关机或没信号", NUMBER_SOFT, "SOFT"),
    ("MK:0012", "关机或没信号", NUMBER_SOFT, "SOFT"),
    ("MK:0013", "停机", NUMBER_SOFT, "SOFT"),
    ("MK:0023", "关机或没信号", NUMBER_SOFT, "SOFT"),
    ("MI:0024", "关机或没信号", NUMBER_SOFT, "SOFT"),
    ("MK:0115", "被当作垃圾短信拦下", "请把正文改得更像通知，少用感叹号和促销词，再报备一次", "NONE"),
    ("DB:0141", "运营商黑名单", "号码主人投诉过；不要再发", "HARD"),
    ("DB:0142", "这个号码当天收得太多", "不用处理，系统不会换通道绕过", "NONE"),
    ("DB:0144", "运营商黑名单", "号码主人投诉过；不要再发", "HARD"),
    ("MBBLACK", "运营商黑名单", "号码主人投诉过；不要再发", "HARD"),
    ("IB:0008", "通道流量超限", "请通道商提高速度，或把通道速度调低", "NONE"),
    ("NP:1243", "携号转网，走错了运营商", "不用处理；多的时候请通道商更新携转数据", "NONE"),
    ("EXPIRED", "超时没送到", NUMBER_SOFT, "NONE"),
    ("UNDELIV", "没送到", NUMBER_SOFT, "SOFT"),
    ("UNKNOWN", "运营商没给结果", "不用处理", "NONE"),
    ("DELETED", "被运营商删除", "请通道商查明原因", "NONE"),
    ("REJECTD", "被运营商拒绝", "请通道商查明原因", "NONE"),
    ("VALVE:M_MC", "这个号码收得太密（每分钟）", "不用处理，系统不会换通道绕过", "NONE"),
    ("VALVE:H_MC", "这个号码收得太密（每小时）", "不用处理，系统不会换通道绕过", "NONE"),
    ("VALVE:D_MC", "这个号码收得太密（每天）", "不用处理，系统不会换通道绕过", "NONE"),
    ("MA:*", "短信中心的问题", "多的时候请通道商查", "NONE"),
    ("MB:*", "短信中心的问题", "多的时候请通道商查", "NONE"),
    ("MC:*", "短信中心的问题", "多的时候请通道商查", "NONE"),
    ("MK:*", "手机一时收不了", NUMBER_SOFT, "SOFT"),
    ("CA:*", "计费问题", NUMBER_SOFT, "SOFT"),
    ("CB:*", "计费问题", NUMBER_SOFT, "SOFT"),
    ("DA:*", "业务平台拒绝", NUMBER_SOFT, "SOFT"),
    ("DB:*", "业务平台拒绝", NUMBER_SOFT, "SOFT"),
    ("SA:*", "通道商一侧的问题", "请通道商查", "NONE"),
    ("SB:*", "通道商一侧的问题", "请通道商查", "NONE"),
    ("IA:*", "网关的问题", "请通道商查", "NONE"),
    ("IB:*", "网关的问题", "请通道商查", "NONE"),
    ("IC:*", "网关的问题", "请通道商查", "NONE"),
]

# 国务院办公厅 2026 notice. First day, last day, name.
HOLIDAYS_2026 = [
    ((1, 1), (1, 3), "元旦"), ((2, 15), (2, 23), "春节"), ((4, 4), (4, 6), "清明节"), ((5, 1), (5, 5), "劳动节"),
    ((6, 19), (6, 21), "端午节"), ((9, 25), (9, 27), "中秋节"), ((10, 1), (10, 7), "国庆节"),
]  # fmt: skip
WORKDAYS_2026 = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]
# The days that 全国年节及纪念日放假办法 fixes; the year's notice moves weekends around them.
STATUTORY_2027 = [
    ((1, 1), (1, 1), "元旦"), ((2, 5), (2, 8), "春节"), ((4, 5), (4, 5), "清明节"), ((5, 1), (5, 2), "劳动节"),
    ((6, 9), (6, 9), "端午节"), ((9, 15), (9, 15), "中秋节"), ((10, 1), (10, 3), "国庆节"),
]  # fmt: skip


def seed(apps, schema_editor):
    codes, days = apps.get_model("delivery", "ReceiptCode"), apps.get_model("delivery", "CalendarDay")
    codes.objects.bulk_create(
        [codes(code=code, meaning=meaning, advice=advice, effect=effect) for code, meaning, advice, effect in CODES],
        ignore_conflicts=True,
    )
    rows = []
    for year, spans, is_confirmed in ((2026, HOLIDAYS_2026, True), (2027, STATUTORY_2027, False)):
        for first, last, name in spans:
            day = date(year, *first)
            while day <= date(year, *last):
                rows.append(days(day=day, kind="HOLIDAY", name=name, is_confirmed=is_confirmed))
                day += timedelta(days=1)
    rows += [days(day=date(2026, *day), kind="WORKDAY", name="调休上班", is_confirmed=True) for day in WORKDAYS_2026]
    days.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("delivery", "0003_sending_engine")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
