"""The form of a campaign: whom, what, gift, when; and folded away: repeat, days, pace, late start."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, LatePolicy, Repeat, WaveKind
from campaigns.rules.waves import SHARED
from coupons.models import BatchState, CouponTerms
from delivery.models import CapPolicy, DayRule
from members.models import Segment
from templates_sms.models import TemplateVersion, Tier

# Folded away. None of them is required and all are checked here only: a browser can't point at what it can't see.
MORE = (
    "repeat", "repeat_until", "day_rule", "wave_kind", "wave_count", "wave_minutes", "late_policy", "late_minutes",
)  # fmt: skip
PLAIN = {"wave_count": 4, "wave_minutes": 30, "late_minutes": 60}


class VersionField(forms.ModelChoiceField):
    """Approved versions by template name."""

    def label_from_instance(self, obj: Any) -> str:
        """`国庆生鲜 v3`."""
        return f"{obj.template.name} v{obj.number}"


class TermsField(forms.ModelChoiceField):
    """Coupons by batch name."""

    def label_from_instance(self, obj: Any) -> str:
        """`满50减10`."""
        return str(obj.batch.name)


def _number(label: Any, help_text: Any, *, least: int, most: int, initial: int) -> forms.IntegerField:
    checks = [MinValueValidator(least), MaxValueValidator(most)]
    return forms.IntegerField(label=label, help_text=help_text, initial=initial, required=False, validators=checks)


class CampaignForm(forms.Form):
    """Whom, what, gift, when."""

    name = forms.CharField(label=_("Name"), max_length=80)
    segment = forms.ModelChoiceField(label=_("Segment"), queryset=Segment.objects.order_by("-changed_at"))
    version = VersionField(
        label=_("Text"),
        queryset=TemplateVersion.objects.filter(tier=Tier.MARKETING).select_related("template").order_by("-id"),
    )
    terms = TermsField(
        label=_("Coupon"), required=False, empty_label=_("no coupon"),
        queryset=CouponTerms.objects.filter(batch__state=BatchState.ACTIVE).select_related("batch").order_by("-id"),
    )  # fmt: skip
    scheduled_at = forms.DateTimeField(
        label=_("Send at"),
        # Browsers read this one format only, whatever the page's language.
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"),
    )
    window_from = forms.TimeField(label=_("Window from"), initial="08:00")
    window_until = forms.TimeField(label=_("Window until"), initial="21:00")
    valid_hours = forms.IntegerField(label=_("Give up after hours"), min_value=1, max_value=720, initial=48)
    cap_policy = forms.ChoiceField(label=_("Over a cap"), choices=CapPolicy.choices, initial=CapPolicy.DEFER)

    repeat = forms.ChoiceField(
        label=_("Repeat"), choices=Repeat.choices, initial=Repeat.ONCE, required=False,
        help_text=_("At the time of day above. Where a month lacks the day, on its last day."),
    )  # fmt: skip
    repeat_until = forms.DateField(
        label=_("Repeat until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The last day on which it may start. Empty: until somebody ends it."),
    )  # fmt: skip
    day_rule = forms.ChoiceField(
        label=_("On which days"), choices=DayRule.choices, initial=DayRule.ANY, required=False,
        help_text=_("On other days messages wait for the next day that fits."),
    )  # fmt: skip
    wave_kind = forms.ChoiceField(
        label=_("Pace"), choices=WaveKind.choices, initial=WaveKind.NONE, required=False,
        help_text=_("Waves spare tills and staff: not everybody comes at once."),
    )  # fmt: skip
    wave_count = _number(
        _("Number of waves"),
        _("Of equal waves. Evenly means: over this number times the minutes. Stores and cities count themselves."),
        least=1, most=100, initial=PLAIN["wave_count"],
    )  # fmt: skip
    wave_minutes = _number(
        _("Minutes from wave to wave"), _("At most 1440, one day."), least=1, most=1440, initial=PLAIN["wave_minutes"]
    )
    late_policy = forms.ChoiceField(
        label=_("When late"), choices=LatePolicy.choices, initial=LatePolicy.SEND, required=False,
        help_text=_("If the machine was down at the time. “Ask me” waits under “Waiting for me”."),
    )  # fmt: skip
    late_minutes = _number(
        _("Late after minutes"), _("A start up to so many minutes late is in time."), least=1, most=10_080,
        initial=PLAIN["late_minutes"],
    )  # fmt: skip

    @property
    def basic(self) -> Sequence[forms.BoundField]:
        """The fields that are always seen."""
        return [field for field in self if field.name not in MORE]

    @property
    def more(self) -> Sequence[forms.BoundField]:
        """The fields that are folded away."""
        return [self[name] for name in MORE]

    @property
    def is_more_open(self) -> bool:
        """Whether something in the fold is wrong or differs from what a plain campaign has."""
        plain = {name: self.fields[name].initial for name in MORE}
        return any(field.errors or str(field.value() or "") != str(plain[field.name] or "") for field in self.more)

    def facts(self) -> dict[str, Any]:
        """The form as the service takes it; what a choice makes meaningless gets its plain value."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in MORE or value not in ("", None)}
        for end in ("from", "until"):
            time = data.pop(f"window_{end}")
            data[f"window_{end}_minute"] = time.hour * 60 + time.minute
        facts = {"repeat": Repeat.ONCE, "wave_kind": WaveKind.NONE, "repeat_until": None, **PLAIN, **data}
        if facts["repeat"] == Repeat.ONCE:
            facts["repeat_until"] = None
        if facts["wave_kind"] not in SHARED:
            facts["wave_count"] = 1
        if facts["wave_kind"] == WaveKind.NONE:
            facts["wave_minutes"] = 0
        return facts


def initial_of(row: Campaign | None) -> dict[str, Any]:
    """The form's values for a campaign; none for a new one."""
    if row is None:
        return {}
    ends = {"from": row.window_from_minute, "until": row.window_until_minute}
    more: dict[str, Any] = {name: getattr(row, name) for name in MORE}
    if row.wave_kind == WaveKind.NONE:
        more["wave_minutes"] = PLAIN["wave_minutes"]
    if row.wave_kind not in SHARED:
        more["wave_count"] = PLAIN["wave_count"]
    return {
        "name": row.name, "segment": row.segment_id, "version": row.template_version_id,
        "terms": row.coupon_terms_id, "scheduled_at": row.scheduled_at, "valid_hours": row.valid_hours,
        "cap_policy": row.cap_policy, **more,
        **{f"window_{name}": f"{minute // 60:02}:{minute % 60:02}" for name, minute in ends.items()},
    }  # fmt: skip
