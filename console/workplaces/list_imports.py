"""Short lists that staff bring as files: choose, look at every change, confirm what was seen."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from console.list_imports.base import Outcome
from console.list_imports.catalogue import ImportedList, list_of
from console.list_imports.reading import MOST_ROWS, Table, largest_mb, read
from console.workplaces.base import page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.db import execute
from foundation.errors import DomainError, HasMoved
from foundation.models import Operator
from foundation.services import audit, uploads
from foundation.spreadsheet import BOM, csv_line

SALT = "console.list_imports"
TOKEN_SECONDS = 3_600
SHOWN = 200
# Two confirmations of one list write one after the other: the second then finds that things have moved.
ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext(%(name)s))"


class UploadForm(forms.Form):
    """A file."""

    file = forms.FileField(label=gettext_lazy("File"), widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}))

    def clean_file(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > largest_mb() * 1024 * 1024:
            raise forms.ValidationError(_("The file is larger than %(size)s MB.") % {"size": largest_mb()})
        return file


def _chosen(request: HttpRequest, model: str) -> ImportedList:
    chosen = list_of(model)
    if chosen is None:
        raise Http404
    if not chosen.may_be_brought_by(operator_of(request)):
        raise PermissionDenied
    return chosen


@require_http_methods(["GET", "HEAD", "POST"])
@workplace()
def list_import(request: HttpRequest, model: str) -> HttpResponse:
    """GET: choose a file. POST with a file: what it would do. POST with the token of that look: do it."""
    chosen = _chosen(request, model)
    if "token" in request.POST:
        return _confirm(request, chosen, request.POST["token"])
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        name = uploads.keep(form.cleaned_data["file"].chunks())
        try:
            return _preview(request, chosen, form, name)
        except DomainError as refusal:
            uploads.drop(name)
            form.add_error("file", str(refusal))
    return _page(request, chosen, form=form, status=400 if form.errors else 200)


def _preview(request: HttpRequest, chosen: ImportedList, form: UploadForm, name: str) -> HttpResponse:
    table = read(name, chosen.resource.heads)
    outcome = _write(chosen, table, by=operator_of(request), dry_run=True)
    if not outcome.can_be_written:
        uploads.drop(name)
        return _page(request, chosen, form=form, outcome=outcome, table=table, status=400 if outcome.faults else 200)
    seen = {
        "operator": operator_of(request).pk, "list": chosen.model, "name": name, "sha256": uploads.fingerprint(name),
        "digest": outcome.digest,
    }  # fmt: skip
    token = signing.dumps(seen, salt=SALT, compress=True)
    return _page(request, chosen, form=form, outcome=outcome, table=table, token=token)


def _write(chosen: ImportedList, table: Table, *, by: Operator, dry_run: bool) -> Outcome:
    resource = chosen.resource(by=by, now=clock.now())
    return resource.write(table.dataset, table.numbers, dry_run=dry_run)


def _confirm(request: HttpRequest, chosen: ImportedList, token: str) -> HttpResponse:
    by = operator_of(request)
    try:
        outcome = _do(chosen, token, by=by)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(reverse(f"list-import-{chosen.model}"))
    messages.success(
        request, _("Written: %(new)s new, %(changed)s changed.") % {"new": outcome.new, "changed": outcome.changed}
    )
    return redirect(_back(chosen))


def _do(chosen: ImportedList, token: str, *, by: Operator) -> Outcome:
    """Write what was seen, all of it or nothing. Raises DomainError when it is not what was seen."""
    stale = _("What you looked at is not there any more. Choose the file again.")
    try:
        seen: dict[str, Any] = signing.loads(token, salt=SALT, max_age=TOKEN_SECONDS)
    except signing.BadSignature as wrong:
        raise HasMoved(stale) from wrong
    if (seen["operator"], seen["list"]) != (by.pk, chosen.model) or uploads.fingerprint(seen["name"]) != seen["sha256"]:
        raise HasMoved(stale)
    table = read(seen["name"], chosen.resource.heads)
    with transaction.atomic():
        execute(ONE_WRITER, {"name": f"list:{chosen.model}"})
        outcome = _write(chosen, table, by=by, dry_run=False)
        if outcome.faults or outcome.digest != seen["digest"]:
            raise HasMoved(_("Something has changed since you looked. Nothing was written; choose the file again."))
        audit.record(
            action="list.imported", subject=chosen.model, by=by, now=clock.now(), new=outcome.new,
            changed=outcome.changed, sha256=seen["sha256"],
        )  # fmt: skip
    uploads.drop(seen["name"])
    return outcome


def _back(chosen: ImportedList) -> str:
    return reverse(f"admin:{chosen.model.replace('.', '_')}_changelist")


def _page(request: HttpRequest, chosen: ImportedList, **context: Any) -> HttpResponse:
    outcome: Outcome | None = context.get("outcome")
    return page(
        request, "list_import", _("Import: %(name)s") % {"name": chosen.title}, chosen=chosen, back=_back(chosen),
        pattern=reverse(f"list-pattern-{chosen.model}"), heads=chosen.resource.heads, limit=largest_mb(),
        most_rows=MOST_ROWS, rows=outcome.rows[:SHOWN] if outcome else [],
        faults=outcome.faults[:SHOWN] if outcome else [], shown=SHOWN, **context,
    )  # fmt: skip


@require_safe
@workplace()
def list_pattern(request: HttpRequest, model: str) -> HttpResponse:
    """An empty file with the columns of a list, in the reader's language."""
    chosen = _chosen(request, model)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{chosen.model}.csv"'},
    )
    response.write(BOM + csv_line([str(one.title) for one in chosen.resource.heads]))
    return response


@require_safe
@workplace("members.add_importfile")
def member_import(request: HttpRequest) -> HttpResponse:
    """Members come in by the import that can do a million."""
    return redirect("imports")
