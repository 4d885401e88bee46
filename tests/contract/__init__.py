"""What connectors and emulators promise, checked against clients and vectors that none of us wrote."""
