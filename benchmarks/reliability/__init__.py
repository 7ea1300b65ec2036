"""What must hold whatever happens: intervals that cover, runs that go on after a kill or a signal."""
