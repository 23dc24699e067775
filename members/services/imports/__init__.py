"""Files into rows: set-based, resumable, with a report and an error file."""

from members.services.imports.run import import_now, run_job, start_import

__all__ = ["import_now", "run_job", "start_import"]
