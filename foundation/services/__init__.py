"""Writing in the bottom room: audit, outbox, jobs, sealed phones."""
