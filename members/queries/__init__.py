"""Reading in the members' room."""
