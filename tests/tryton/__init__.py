"""A real Tryton server: trytond itself, on SQLite, with the fields that a shop adds to its parties."""
