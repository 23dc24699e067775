"""How numbers are written where the language packs differ from what the trade reads."""
