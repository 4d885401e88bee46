"""Problems become alerts: one per cause, to whoever can do something about it."""
