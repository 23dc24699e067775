"""Imports: upload, live bar, report."""

import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.workplaces.base import page, workplace
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.services import jobs
from members.models import ImportFile, ImportKind
from members.services.imports import start_import

PERMISSION = "members.add_importfile"


class ImportForm(forms.Form):
    """A file, what is in it, and whether to write."""

    kind = forms.ChoiceField(label=gettext_lazy("What is in the file"), choices=ImportKind.choices)
    file = forms.FileField(
        label=gettext_lazy("File"), help_text=gettext_lazy("CSV in UTF-8 or GB18030; the first line names the columns.")
    )
    is_dry_run = forms.BooleanField(
        label=gettext_lazy("Try first: read and judge every row, write nothing"), required=False
    )

    def clean_file(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.MAX_UPLOAD_MB * 1024 * 1024:
            raise forms.ValidationError(_("The file is larger than %(size)s MB.") % {"size": settings.MAX_UPLOAD_MB})
        return file


def _stored(file: UploadedFile) -> Path:
    folder = Path(settings.IMPORT_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.csv"
    with path.open("wb") as target:
        for block in file.chunks():
            target.write(block)
    return path


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(PERMISSION)
def imports(request: HttpRequest) -> HttpResponse:
    """Upload a file, and the imports so far."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        path = _stored(file)
        try:
            imported = start_import(
                kind=form.cleaned_data["kind"], path=path, name=Path(file.name).name[:200], by=operator_of(request),
                now=clock.now(), is_dry_run=form.cleaned_data["is_dry_run"],
            )  # fmt: skip
        except DomainError as refusal:
            path.unlink()
            form.add_error("file", str(refusal))
        else:
            return redirect("import", pk=imported.pk)
    latest = ImportFile.objects.select_related("job", "job__by").order_by("-id")[:20]
    return page(request, "imports", _("Imports"), form=form, imports=latest)


def _import(pk: int) -> ImportFile:
    return get_object_or_404(ImportFile.objects.select_related("job", "job__by"), pk=pk)


@require_safe
@workplace(PERMISSION)
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: bar while it runs, figures when it is done."""
    imported = _import(pk)
    context: dict[str, Any] = {"imported": imported, "job": imported.job}
    if request.headers.get("HX-Request"):
        # 286 tells htmx to stop asking.
        return render(request, "console/_import.html", context, status=200 if imported.job.is_open else 286)
    return page(request, "import", imported.job.title, **context)


@require_POST
@workplace(PERMISSION)
def cancel_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a running import after its chunk."""
    jobs.cancel(job_id=_import(pk).job_id, by=operator_of(request), now=clock.now())
    messages.success(request, _("The import stops; rows that are written stay written."))
    return redirect("import", pk=pk)


@require_safe
@workplace(PERMISSION)
def import_errors(request: HttpRequest, pk: int) -> FileResponse:
    """The refused rows with their reasons."""
    imported = _import(pk)
    path = Path(imported.error_path)
    if not imported.error_path or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"refused-{imported.pk}.csv")
