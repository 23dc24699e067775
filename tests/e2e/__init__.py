"""Real Chromium against the whole stack."""
