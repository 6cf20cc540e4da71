"""What scripts/bench is made of: the contenders, each run as a process of its own, and the three measurements."""
