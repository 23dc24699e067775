"""Files into rows: set-based, resumable, with a report and an error file; and back out again."""

from members.services.imports.run import run_job
from members.services.imports.steps import begin, import_now, receive, start_import, write_tried
from members.services.imports.undo import run_undo

__all__ = ["begin", "import_now", "receive", "run_job", "run_undo", "start_import", "write_tried"]
