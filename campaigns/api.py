"""Campaigns and what came of them, to read."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.models import Campaign, CampaignState, Repeat, Run, RunState
from campaigns.queries import report
from foundation.rest.views import CURSOR, ApiView, page_of, page_schema


class RunShown(serializers.ModelSerializer):
    """One occurrence."""

    state = serializers.ChoiceField(RunState.choices)

    class Meta:
        model = Run
        fields = ["id", "occurrence_at", "state", "matched_count", "planned_count", "fired_at", "finished_at"]


class CampaignShown(serializers.ModelSerializer):
    """A campaign."""

    state = serializers.ChoiceField(CampaignState.choices)
    repeat = serializers.ChoiceField(Repeat.choices)
    segment = serializers.CharField(source="segment.name")
    template = serializers.CharField(source="template_version.template.name")

    class Meta:
        model = Campaign
        fields = ["id", "name", "state", "segment", "template", "scheduled_at", "repeat", "next_at"]


class CampaignWithRuns(CampaignShown):
    """A campaign with its newest runs."""

    runs = serializers.SerializerMethodField()

    class Meta(CampaignShown.Meta):
        fields = [*CampaignShown.Meta.fields, "runs"]

    @extend_schema_field(RunShown(many=True))
    def get_runs(self, campaign: Campaign) -> Any:
        """At most fifty, newest first."""
        return RunShown(campaign.runs.order_by("-occurrence_at")[:50], many=True).data


class ReportShown(serializers.Serializer):
    """What came of a run so far. Cost is in 1/10000 yuan, money of coupons in fen."""

    run = RunShown()
    states = serializers.DictField(child=serializers.IntegerField(), help_text="Messages by state.")
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="People left out before, by reason.")
    parts = serializers.IntegerField()
    cost = serializers.IntegerField()
    opt_outs = serializers.IntegerField()
    coupons = serializers.DictField(child=serializers.IntegerField())
    redemptions = serializers.DictField(child=serializers.IntegerField())


class CampaignsView(ApiView):
    """All campaigns, newest first."""

    scopes = {"GET": "campaigns:read"}

    @extend_schema(operation_id="list_campaigns", parameters=CURSOR, responses=page_schema(CampaignShown))
    def get(self, request: Request) -> Response:
        rows = Campaign.objects.select_related("segment", "template_version__template")
        return page_of(request, rows, CampaignShown, view=self)


class CampaignView(ApiView):
    """One campaign."""

    scopes = {"GET": "campaigns:read"}

    @extend_schema(operation_id="read_campaign", responses=CampaignWithRuns)
    def get(self, request: Request, pk: int) -> Response:
        row = Campaign.objects.select_related("segment", "template_version__template").filter(pk=pk).first()
        if row is None:
            raise exceptions.NotFound
        return Response(CampaignWithRuns(row).data)


class ReportView(ApiView):
    """The report of one run."""

    scopes = {"GET": "reports:read"}

    @extend_schema(operation_id="read_report", responses=ReportShown)
    def get(self, request: Request, pk: int) -> Response:
        run = Run.objects.select_related("campaign").filter(pk=pk).first()
        if run is None:
            raise exceptions.NotFound
        told = report(run=run)
        return Response({
            "run": RunShown(run).data, "states": told.progress.states,
            "left_out": {code: people for code, _label, people in told.exclusions},
            "parts": told.progress.part_count, "cost": told.progress.cost, "opt_outs": told.opt_outs,
            "coupons": told.coupons, "redemptions": told.redemptions,
        })  # fmt: skip
