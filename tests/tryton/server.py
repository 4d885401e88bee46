"""Runs Tryton in a process of its own: `python -m tests.tryton.server FOLDER`; prints its port once it answers.

The database is made anew, with the module party, the fields of a shop's own module, and three users with a key each. What Tryton
ships is not validated while it is loaded, which takes most of the time; mail servers are not asked whether an address is theirs.
"""

from __future__ import annotations

import sqlite3
import sys
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from trytond import backend, config
from werkzeug.serving import WSGIRequestHandler, make_server

DATABASE = "shop"
KEYS = {"admin": "admin-key-0123456789-0123456789", "ana": "ana-key-0123456789-0123456789", "truce": "truce-key-0123456789-0123456789"}
PASSWORD = "a-password-of-ana-0815"


class Quiet(WSGIRequestHandler):
    """Tells nobody of each request; answers by HTTP/1.1, as a server in production does."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


def shop() -> type:
    """Give the fields that a shop's own module adds to parties."""
    from trytond.model import fields
    from trytond.pool import PoolMeta

    class Party(metaclass=PoolMeta):  # type: ignore[metaclass]
        __name__ = "party.party"
        direct_line = fields.Char("Direct Line")
        sales_note = fields.Text("Sales Note")
        score = fields.Integer("Score")
        budget = fields.Numeric("Budget", digits=(12, 2))
        met_us = fields.Boolean("Met Us")
        birthday = fields.Date("Birthday")
        mql_date = fields.DateTime("MQL Date")
        stages = [(None, ""), ("lead", "Lead"), ("mql", "MQL"), ("sal", "SAL")]
        lifecycle = fields.Selection(stages, "Lifecycle Stage")
        account_manager = fields.Many2One("res.user", "Account Manager")

    return Party


def made(folder: Path) -> None:
    """Make the database."""
    from trytond.model import ModelStorage
    from trytond.pool import Pool
    from trytond.tools import email_
    from trytond.transaction import Transaction

    email_.validate_email = partial(email_.validate_email, check_deliverability=False)
    validate = ModelStorage.__dict__["_validate"]
    ModelStorage._validate = classmethod(lambda cls, records, field_names=None: None)
    sqlite3.connect(folder / f"{DATABASE}.sqlite").close()
    Pool.start()
    Pool.register(shop(), module="party", type_="model")
    with Transaction().start(DATABASE, 0) as transaction:
        backend.Database(DATABASE).connect()
        transaction.database.init()
    Pool(DATABASE).init(update=["ir", "res", "party"], lang=["en"], activatedeps=True)
    ModelStorage._validate = validate
    with Transaction().start(DATABASE, 0) as transaction:
        users(Pool(DATABASE))
        transaction.commit()


def users(pool: Any) -> None:
    """Make the users: who may do everything, a rep, and Truce's own."""
    told: dict[str, dict[str, Any]] = {
        "admin": {"administrator": True},
        "ana": {"name": "Ana Diaz", "password": PASSWORD},
        "truce": {"name": "Truce"},
    }
    told["ana"]["groups"] = [("add", [pool.get("ir.model.data").get_id("party", "group_party_admin")])]
    made = pool.get("res.user").create([{"login": name, "email": f"{name}@acme.example", **more} for name, more in told.items()])
    keys = [{"user": user.id, "application": "rest", "key": KEYS[user.login]} for user in made]
    pool.get("res.user.application").create(keys)


def main(folder: Path) -> None:
    """Make the database and answer for as long as somebody holds its standard input open."""
    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(folder))
    made(folder)
    from trytond.wsgi import app

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # whoever started it is gone when this ends, however they went


if __name__ == "__main__":
    main(Path(sys.argv[1]))
