"""Writing in the campaigns' room."""
