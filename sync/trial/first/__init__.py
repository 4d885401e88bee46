"""The first sync tried out on what the systems hold: whom the core would match, whose values would win, what would be told. Pure; times are ms."""
