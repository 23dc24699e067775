"""Writing in the delivery room."""
