"""Runs Tryton in a process of its own: `python -m tests.tryton.server FOLDER`; prints its port once it answers.

Each line of its standard input is an order, answered by a line: {"ahead_s": seconds}, by which its clock is off from then on, or {"fields": changes} for
another release of the shop's module.

Its database has MODULES, the fields of a shop's own module, and three users with a key each. It is made once for a version of Tryton and of
this file, and copied. What Tryton ships is neither validated nor kept for translators while it is loaded, which takes most of the time; mail
servers are not asked whether an address is theirs, and none is there to send by.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import formatdate
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import fasteners
from trytond import backend, config
from werkzeug.serving import WSGIRequestHandler, make_server

DATABASE = "shop"
KEYS = {"admin": "admin-key-0123456789-0123456789", "ana": "ana-key-0123456789-0123456789", "truce": "truce-key-0123456789-0123456789"}
PASSWORD = "a-password-of-ana-0815"

MODULES = ("party", "company", "sale_opportunity", "marketing_automation", "marketing_campaign")
STAGES = ("inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer", "recycled", "disqualified")


class Clock:
    """The server's clock."""

    ahead_s = 0.0

    @classmethod
    def set_by(cls, usual: Callable[[], str]) -> Callable[[], str]:
        """Give what SQLite calls for the time, as far ahead as the clock is."""
        return lambda: (datetime.fromisoformat(usual()) + timedelta(seconds=cls.ahead_s)).isoformat(" ")


class Quiet(WSGIRequestHandler):
    """Tells nobody of each request; answers by HTTP/1.1, as a server in production does."""

    protocol_version = "HTTP/1.1"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time in `Date` by the clock that the database goes by."""
        return formatdate((time.time() if timestamp is None else timestamp) + Clock.ahead_s, usegmt=True)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


def shop(changes: Mapping[str, Mapping[str, Any]]) -> type:
    """Give the fields that a shop's own module adds to parties; `changes`: of a later release, by what a field was called first.

    `name`: what it is called now; `text`: it is a text now; `more`: values that its selection has besides.
    """
    from trytond.model import fields
    from trytond.pool import PoolMeta

    more = changes.get("lifecycle", {}).get("more", ())
    first = {
        "direct_line": fields.Char("Direct Line"),
        "sales_note": fields.Text("Sales Note"),
        "score": fields.Integer("Score"),
        "budget": fields.Numeric("Budget", digits=(12, 2)),
        "met_us": fields.Boolean("Met Us"),
        "birthday": fields.Date("Birthday"),
        "mql_date": fields.DateTime("MQL Date"),
        "lifecycle": fields.Selection(
            [(None, ""), *((one, one.upper()) for one in STAGES), *((one, one) for one in more)], "Lifecycle Stage"
        ),
        "account_manager": fields.Many2One("res.user", "Account Manager"),
        "salesman": fields.Many2One("company.employee", "Salesman"),
    }
    found = {name: fields.Char(one.string) if changes.get(name, {}).get("text") else one for name, one in first.items()}
    own = {str(changes.get(name, {}).get("name", name)): one for name, one in found.items()}
    made: type = PoolMeta("Party", (), {"__name__": "party.party", **own})
    return made


def released(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Put another release of the shop's module in force: Tryton loads all modules again, as after an activation, and the table follows."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    Release.pools.setdefault(_spelt(Release.changes), (Pool._pools[DATABASE], Pool._pool_modules[DATABASE]))
    if known := Release.pools.get(_spelt(changes)):  # was loaded before
        Pool._pools[DATABASE], Pool._pool_modules[DATABASE] = known
        Pool._pool_instances.clear()
    else:
        del Pool.classes["model"]["company"][Release.shop]
        Release.shop = shop(changes)
        Pool.register(Release.shop, module="company", type_="model")
        Pool(DATABASE).init()
    with Transaction().start(DATABASE, 0) as transaction:
        party = Pool().get("party.party")
        table = party.__table_handler__("company")
        for name in {*changes, *Release.changes}:
            was, now = Release.changes.get(name, {}), changes.get(name, {})
            before, after = was.get("name", name), now.get("name", name)
            table.column_rename(before, after)
            if was.get("text") != now.get("text"):
                table.drop_column(after)
                table.add_column(after, party._fields[after]._sql_type)
        transaction.commit()
    Release.changes = changes


def _spelt(changes: Mapping[str, Mapping[str, Any]]) -> str:
    return json.dumps(changes, sort_keys=True)


class Release:
    """The release of the shop's module that is in force, and what Tryton made of each: to load all modules takes seconds."""

    shop: type
    """The class that is registered: of the release that was loaded last."""
    changes: Mapping[str, Mapping[str, Any]] = {}
    pools: ClassVar[dict[str, tuple[Any, Any]]] = {}


def prepared(folder: Path) -> None:
    """Let this process find its database in a folder, and know the shop's fields."""
    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(folder))
    from trytond.backend.sqlite import database as sqlite
    from trytond.pool import Pool
    from trytond.tools import email_

    logging.getLogger("trytond.sendmail").setLevel(logging.CRITICAL)
    email_.validate_email = partial(email_.validate_email, check_deliverability=False)
    sqlite.now = Clock.set_by(sqlite.now)
    Release.shop = shop({})
    Pool.start()
    Pool.register(Release.shop, module="company", type_="model")


def made(folder: Path) -> None:
    """Make the database."""
    from trytond.ir.translation import Translation
    from trytond.model import ModelStorage
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    validate, translate = ModelStorage.__dict__["_validate"], Translation.__dict__["set_ids"]
    ModelStorage._validate = classmethod(lambda cls, records, field_names=None: None)
    Translation.set_ids = classmethod(lambda cls, *told: None)
    sqlite3.connect(folder / f"{DATABASE}.sqlite").close()
    with Transaction().start(DATABASE, 0) as transaction:
        backend.Database(DATABASE).connect()
        transaction.database.init()
    Pool(DATABASE).init(update=["ir", "res", *MODULES], lang=["en"], activatedeps=True)
    ModelStorage._validate, Translation.set_ids = validate, translate
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
    group, sales, marketing = pool.get("ir.model.data").get_id, ("sale", "group_sale"), ("marketing", "group_marketing")
    reps = (("party", "group_party_admin"), ("sale_opportunity", "group_opportunity"), sales, marketing)
    told["ana"]["groups"] = [("add", [group(*one) for one in reps])]
    told["truce"]["groups"] = [("add", [group(*one) for one in (sales, marketing)])]
    made = pool.get("res.user").create([{"login": name, "email": f"{name}@acme.example", **more} for name, more in told.items()])
    keys = [{"user": user.id, "application": "rest", "key": KEYS[user.login]} for user in made]
    pool.get("res.user.application").create(keys)


def kept() -> Path:
    """Say where the database is kept that others copy."""
    versions = ",".join(version(name) for name in ("trytond", *(f"trytond-{one.replace('_', '-')}" for one in MODULES)))
    digest = sha256(versions.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    return Path(__file__).parents[2] / ".pytest_cache" / "tryton" / f"{digest}.sqlite"


def laid(folder: Path) -> None:
    """Copy the kept database, or make it; whoever else needs it meanwhile waits."""
    copy, file = kept(), folder / f"{DATABASE}.sqlite"
    copy.parent.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(str(copy.parent / "lock")):
        if copy.exists():
            shutil.copyfile(copy, file)
            return
        made(folder)
        for old in copy.parent.glob("*.sqlite"):
            old.unlink()
        whole = copy.with_suffix(".part")
        whole.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(whole)) as target:
            source.backup(target)  # what it has not written to its file yet, too
        whole.rename(copy)


def main(folder: Path) -> None:
    """Answer for as long as somebody holds its standard input open."""
    prepared(folder)
    laid(folder)
    from trytond.wsgi import app

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:  # whoever started it is gone when this ends, however they went
        order = json.loads(line)
        Clock.ahead_s = order.get("ahead_s", Clock.ahead_s)
        if "fields" in order:
            released(order["fields"])
        print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
