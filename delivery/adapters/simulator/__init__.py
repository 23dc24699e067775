"""A carrier that only pretends: for the demo, the tutorial, rehearsals and tests."""
