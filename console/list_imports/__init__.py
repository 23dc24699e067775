"""Short lists that staff bring as files: looked at beside what is there, then written whole or not at all."""
