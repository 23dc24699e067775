"""Lists as files: asked for with a reason, made by a job, downloaded by whoever asked until they expire."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from console.workplaces.base import page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError, NotAllowed
from foundation.models import ExportFile, FileEncoding, FileFormat
from foundation.services import exports as services
from foundation.services import jobs
from foundation.services.export_lists import NoSuchList, find

LATEST = 50
TYPES = {
    FileFormat.CSV: "text/csv; charset={codec}",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
CODECS = {FileEncoding.UTF8: "utf-8", FileEncoding.GB18030: "gb18030"}


class ExportForm(forms.Form):
    """What kind of file, and what it is for."""

    file_format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        choices=[(FileFormat.XLSX, gettext_lazy("XLSX for Excel and WPS")), (FileFormat.CSV, gettext_lazy("CSV"))],
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of a CSV file"),
        choices=[
            (FileEncoding.UTF8, gettext_lazy("UTF-8: for Excel, WPS and other systems")),
            (FileEncoding.GB18030, gettext_lazy("GB18030: for older Chinese programs")),
        ],
        help_text=gettext_lazy("Chinese looks broken after opening? Then take the other one. XLSX needs neither."),
    )
    reason = forms.CharField(
        label=gettext_lazy("What the file is for"), min_length=services.SHORTEST_REASON, max_length=200,
        help_text=gettext_lazy("Stands beside your name in the records."),
    )  # fmt: skip
    list = forms.CharField(max_length=64, widget=forms.HiddenInput)
    query = forms.CharField(max_length=4_000, required=False, widget=forms.HiddenInput)


def ask_url(name: str, query: str = "") -> str:
    """The page that asks for a file of a list."""
    return f"{reverse('export-new')}?{urlencode({'list': name, 'query': query})}"


@require_safe
@workplace(services.RIGHT, by_store=True)
def exports(request: HttpRequest) -> HttpResponse:
    """My files, the newest first; by themselves on screen while one is being made."""
    found = ExportFile.objects.filter(by=operator_of(request)).select_related("job").order_by("-id")[:LATEST]
    rows = [(one, _title(one.list_name), ask_url(one.list_name, one.query)) for one in found]
    context: dict[str, Any] = {
        "rows": rows,
        "now": clock.now(),
        "is_live": any(one.job.is_open for one, *_rest in rows),
    }
    if request.headers.get("HX-Request"):
        return render(request, "console/_exports.html", context)
    return page(request, "exports", _("Exported files"), **context)


def _title(name: str) -> Any:
    try:
        return find(name).title
    except NoSuchList:
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(services.RIGHT, by_store=True)
def new_export(request: HttpRequest) -> HttpResponse:
    """Ask for a file of the list that the address names, filtered as the page was that led here."""
    asked = request.POST if request.method == "POST" else request.GET
    name, query, by, now = asked.get("list", ""), asked.get("query", ""), operator_of(request), clock.now()
    try:
        chosen = services.check_right(name=name, by=by, now=now)
        count = services.count_rows(name=name, query=query, by=by, now=now)
    except NotAllowed as wrong:
        raise PermissionDenied from wrong
    except NoSuchList as wrong:
        raise Http404 from wrong
    form = ExportForm(request.POST or None, initial={"list": name, "query": query})
    if request.method == "POST" and form.is_valid() and _asked(form, by=by, now=now):
        messages.success(request, _("The file is being made. You may close this page."))
        return redirect("exports")
    return page(
        request, "export_new", _("Export: %(name)s") % {"name": chosen.title}, form=form, count=count,
        columns=[one.title for one in chosen.columns], is_filtered=bool(query), hours=settings.EXPORT_KEEP_HOURS,
        status=400 if form.errors else 200,
    )  # fmt: skip


def _asked(form: ExportForm, *, by: Any, now: Any) -> bool:
    facts = dict(form.cleaned_data)
    try:
        services.request_export(name=facts.pop("list"), **facts, by=by, now=now)
    except DomainError as refusal:
        form.add_error("reason", str(refusal))
        return False
    return True


@require_GET
@workplace(services.RIGHT, by_store=True)
def export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file itself, for whoever asked for it."""
    try:
        found, file = services.open_export(export_id=pk, by=operator_of(request), now=clock.now())
    except ExportFile.DoesNotExist as somebody_elses:
        raise Http404 from somebody_elses
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("exports")
    kind = TYPES[FileFormat(found.file_format)].format(codec=CODECS[FileEncoding(found.encoding)])
    at = timezone.localtime(found.made_at)
    name = f"{_title(found.list_name)}-{at:%Y%m%d-%H%M}.{found.file_format.lower()}"
    return FileResponse(
        file, as_attachment=True, filename=name, content_type=kind,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


@require_POST
@workplace(services.RIGHT, by_store=True)
def cancel_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a file that is being made."""
    found = get_object_or_404(ExportFile, pk=pk, by=operator_of(request))
    jobs.cancel(job_id=found.job_id, by=operator_of(request), now=clock.now())
    messages.success(request, _("The export stops."))
    return redirect("exports")
