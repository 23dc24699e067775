"""Series as rows of Celery Beat's admin pages: to look at. A campaign's own rows decide; the bell only rings."""

from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from campaigns.models import Campaign, CampaignState, Repeat

PREFIX = "campaign "
SHORTEST_MONTH = 28


def mirror_name(campaign_id: int) -> str:
    """The name of a campaign's row among Beat's tasks."""
    return f"{PREFIX}{campaign_id}"


def mirror(*, campaign_id: int) -> None:
    """Make Beat's row of a series equal to the series; a campaign that is sent once has none. Needs a transaction."""
    campaign = Campaign.objects.get(pk=campaign_id)
    name = mirror_name(campaign_id)
    if campaign.repeat == Repeat.ONCE:
        PeriodicTask.objects.filter(name=name).delete()
        return
    crontab, _made = CrontabSchedule.objects.get_or_create(**_crontab(campaign), timezone="Asia/Shanghai")
    PeriodicTask.objects.update_or_create(
        name=name,
        defaults={
            "task": "campaigns.fire_due", "crontab": crontab, "interval": None, "description": campaign.name,
            "enabled": campaign.state == CampaignState.APPROVED,
        },
    )  # fmt: skip


def _crontab(campaign: Campaign) -> dict[str, str]:
    """When to ring. A day that some months lack rings from the 28th on; the campaign's row knows the right one."""
    at = timezone.localtime(campaign.scheduled_at)
    day = str(at.day) if at.day <= SHORTEST_MONTH else f"{SHORTEST_MONTH}-31"
    return {
        "minute": str(at.minute), "hour": str(at.hour),
        "day_of_week": str(at.isoweekday() % 7) if campaign.repeat == Repeat.WEEKLY else "*",
        "day_of_month": day if campaign.repeat in (Repeat.MONTHLY, Repeat.YEARLY) else "*",
        "month_of_year": str(at.month) if campaign.repeat == Repeat.YEARLY else "*",
    }  # fmt: skip
