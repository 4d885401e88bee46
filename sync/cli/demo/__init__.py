"""The demo: a short story on real servers, played by clients of the vendors, and judged from outside."""
