"""Hand-written fakes, one for each port."""
