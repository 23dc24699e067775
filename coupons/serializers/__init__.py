"""What comes in from tills, and how answers read."""
