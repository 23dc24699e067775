"""The doors of the office: logging in, the second factor, passwords, and the gate before every page."""
