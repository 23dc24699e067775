"""Work places: pages over several rooms. They translate and make one call; rules live in the rooms."""
