"""Reading in the delivery room."""
