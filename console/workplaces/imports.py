"""Imports: a file comes in, and each of its columns finds its field."""

import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from console.workplaces.base import page, workplace
from console.workplaces.import_words import FIELD_LABELS, ROW_IS, label_of
from foundation import clock
from foundation.admin_mixins import operator_of
from foundation.errors import DomainError
from foundation.models import JobState
from foundation.spreadsheet import BOM, csv_line
from members.models import ImportFile, ImportKind
from members.rules.import_headers import FIELDS
from members.services.imports import begin, receive
from members.services.imports.kinds import kind_of
from members.services.imports.preview import Column, Preview, preview_of

PERMISSION = "members.add_importfile"
LATEST = 20


class ImportForm(forms.Form):
    """A file and what is in it."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What is in the file"), choices=ImportKind.choices,
        help_text=gettext_lazy("Stores first, then members, orders, order lines."),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or XLSX; UTF-8 or GB18030; comma, tab or semicolon. The first line names the columns."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
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
    path = folder / f"{uuid.uuid4().hex}.upload"
    with path.open("wb") as target:
        for block in file.chunks():
            target.write(block)
    return path


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(PERMISSION)
def imports(request: HttpRequest) -> HttpResponse:
    """Step one: a file. Below it what was left half done, and the imports so far."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        path = _stored(file)
        try:
            imported = receive(
                kind=form.cleaned_data["kind"], path=path, name=Path(file.name).name[:200],
                by=operator_of(request), now=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect("import-columns", pk=imported.pk)
        finally:
            _drop_unused(path)
    passes = ImportFile.objects.select_related("job", "by")
    open_ends = passes.filter(job__state__in=(JobState.CANCELLED, JobState.FAILED), is_cleared=False)
    return page(
        request, "imports", _("Imports"), form=form, limit=settings.MAX_UPLOAD_MB, kinds=ImportKind.choices,
        imports=passes.filter(job__isnull=False).order_by("-id")[:LATEST],
        half_done=open_ends.filter(is_dry_run=False).order_by("-id")[:LATEST],
        drafts=passes.filter(job__isnull=True, is_cleared=False, by=operator_of(request)).order_by("-id")[:5],
        status=400 if form.errors else 200,
    )  # fmt: skip


def _drop_unused(path: Path) -> None:
    """An upload that no import names: it was refused, or a workbook became a CSV file beside it."""
    if not ImportFile.objects.filter(path=str(path)).exists():
        path.unlink(missing_ok=True)


def _draft(pk: int) -> ImportFile:
    return get_object_or_404(ImportFile, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@workplace(PERMISSION)
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Step two: which column is what. Continuing starts the dry run."""
    imported = _draft(pk)
    if imported.job_id is not None:
        return redirect("import", pk=pk)
    preview = None
    try:
        preview = preview_of(imported)
        if request.method == "POST":
            begin(
                import_id=pk, columns=_chosen(request, preview), by=operator_of(request), now=clock.now(),
                is_dry_run=True,
            )  # fmt: skip
            return redirect("import", pk=pk)
    except DomainError as refusal:
        return _columns_page(request, imported, preview, error=str(refusal))
    return _columns_page(request, imported, preview)


def _chosen(request: HttpRequest, preview: Preview) -> dict[str, int]:
    """The columns of the form. Raises DomainError when two columns claim one field."""
    columns: dict[str, int] = {}
    for column in preview.columns:
        field = request.POST.get(f"column-{column.index}", "")
        if not field:
            continue
        if field in columns:
            raise DomainError(
                _("Two columns want to be “%(field)s”. Choose one of them.") % {"field": FIELD_LABELS.get(field, field)}
            )
        columns[field] = column.index
    return columns


def _columns_page(
    request: HttpRequest, imported: ImportFile, preview: Preview | None, *, error: str = ""
) -> HttpResponse:
    rows = [] if preview is None else [_row(request, column) for column in preview.columns]
    unknown = [row for row in rows if row["column"].how == "UNKNOWN"]
    fields = FIELDS[kind_of(imported.kind)]
    return page(
        request, "import_columns", _("Which column is what"), imported=imported, preview=preview, rows=rows,
        unknown=unknown, known_count=len(rows) - len(unknown), error=error, row_is=ROW_IS[imported.kind],
        fields=[(name, label_of(imported.kind, name), spec.required) for name, spec in fields.items()],
        status=400 if error else 200,
    )  # fmt: skip


def _row(request: HttpRequest, column: Column) -> dict[str, Any]:
    """A column and the field that the form shows for it."""
    return {"column": column, "chosen": request.POST.get(f"column-{column.index}", column.field)}


@require_safe
@workplace(PERMISSION)
def import_pattern(request: HttpRequest, kind: str) -> HttpResponse:
    """An empty file with the columns of a kind, in the reader's language, for a spreadsheet."""
    fields = FIELDS[kind_of(kind)]
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{kind.lower()}.csv"'},
    )
    response.write(BOM + csv_line([str(label_of(kind, name)) for name in fields]))
    return response
