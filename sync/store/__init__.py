"""What is remembered: PostgreSQL, one module per thing kept."""
