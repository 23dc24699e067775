"""The demo chain: a year of a grocery chain, moved so that it ends last week."""
