"""Every table, as data; migrations are made from it, statements are written against it.

All live in the schema named after the installation, found by `search_path`, so no statement names a schema.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, DateTime, Double, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.schema import SchemaItem

metadata = MetaData()
Time = DateTime(timezone=True)
_now = text("now()")


def _time(name: str, **options: object) -> Column[object]:
    return Column(name, Time, nullable=False, server_default=_now, **options)  # type: ignore[arg-type]


def _count(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False, server_default="0")


meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", JSONB, nullable=False))
"""`incarnation`, `group_number`, `active_playbook` …"""

applied = Table(
    "applied",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False, server_default="0"),
    Column("group_number", Integer, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="-1"),
    _count("applied"),
    _count("noop"),
    _count("filtered"),
    _count("parked"),
    _time("changed_at"),
)
"""What was done: next offset per partition, its owner's epoch, and what became of each message (their sum is next_offset)."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("partition", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("outbox_partition", "partition", "id"),
)
"""What a committed batch still has to publish: one row per partition and batch, gone once Kafka has it."""

identities = Table(
    "identities",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False)),
    Index("identities_lead", "lead_id"),
)

leads = Table(
    "leads",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("key", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("doc", JSON, nullable=False),  # read and written whole: JSONB costs PostgreSQL three times as much
    Column("stage", Text),
    Column("stage_since", Time),
    Column("owner", Text),
    Column("in_scope", Boolean, nullable=False),
    Column("held", Boolean, nullable=False, server_default="false"),
    Column("handoff_state", Text),
    Column("survivor", UUID(as_uuid=False)),
    Column("playbook_version", Integer, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    Index("leads_stage", "stage"),
    Index("leads_owner", "owner"),
    Index("leads_held", "id", postgresql_where=text("held")),
)

records = Table(
    "records",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("system", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("gone", Text),
    Column("seen_at", Time, nullable=False),
    Index("records_lead", "lead_id"),
    Index("records_system", "system", "gone"),
)


def _entry(name: str, *more: SchemaItem) -> Table:
    """A table of accounts or opportunities: the newest of each shared field, with its time."""
    columns: tuple[SchemaItem, ...] = (
        Column("ref", Text, primary_key=True),
        Column("system", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("owner", Text),
        Column("fields", JSONB, nullable=False),
        Column("at", Time, nullable=False),
        Column("there", Boolean, nullable=False),
        Column("gone", Text),
        Column("gone_at", Time),
        Column("became", Text),
    )
    return Table(name, metadata, *columns, *more)


_there = text("there")
_AT_ONCE = {"fastupdate": "off"}
"""Looked into far more often than written to: entries go into the index at once, not onto a list that every look must read."""
accounts = _entry(
    "accounts",
    Column("domains", ARRAY(Text), nullable=False),
    Column("name", Text),
    Column("name_key", Text, nullable=False),
    Index("accounts_domains", "domains", postgresql_using="gin", postgresql_with=_AT_ONCE, postgresql_where=_there),
    Index("accounts_name", text("\"left\"(replace(name_key, ' ', ''), 6)"), text("replace(name_key, ' ', '')"), postgresql_where=_there),
    Index("accounts_became", "became", postgresql_where=text("became IS NOT NULL")),
)
"""Accounts by record; `fields`: shared field → [value, ms, and ms of the act where it is another]; name_key: the name without legal form, accents and case."""

account_writes = Table(
    "account_writes",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("about", Text, nullable=False, server_default="account"),
    Column("record", Text),
    Column("rev", BigInteger, nullable=False, server_default="1"),
    Column("told_rev", BigInteger, nullable=False, server_default="0"),
    Column("playbook", Integer, nullable=False, server_default="0"),
    Column("claimed_until", Time),
    Column("again_at", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("intent", JSONB),
    Column("outcome", JSONB),
    Column("refused", JSONB, nullable=False, server_default="{}"),
    Column("flips", JSONB, nullable=False, server_default="{}"),
    Column("frozen", JSONB, nullable=False, server_default="{}"),
    Column("lacks", ARRAY(Text), nullable=False, server_default="{}"),
    Index("account_writes_lacks", "system", postgresql_where=text("lacks <> '{}'::text[]")),
    Index("account_writes_due", "system", "claimed_until", postgresql_where=text("told_rev < rev")),
    Index("account_writes_playbook", "system", "playbook"),
    Index("account_writes_again", "system", "again_at", postgresql_where=text("again_at IS NOT NULL")),
)
"""Accounts' records, and the copies of opportunities, as far as they are written: due while `told_rev` is behind, when `again_at` has come, or
what was decided by an older version of the playbook.

`ref`: the account's record, or the opportunity that is copied (`about`) to a system; `record`: the copy, once there is one. `intent`: what is about to be told, kept before the call: {"id", "at": ms, "fields": shared field → {"name", "value", "sent", "at"}}; `outcome`: what
came of it, until it is part of the account; `refused`: shared field → a value that the vendor would not take.
"""

opportunities = _entry(
    "opportunities",
    Column("account_ref", Text),
    Column("people", ARRAY(Text), nullable=False),
    Column("stage", Text),
    Column("outcome", Text, nullable=False),
    Column("amount", Double),
    Index("opportunities_account", "account_ref", postgresql_where=_there),
    Index("opportunities_people", "people", postgresql_using="gin", postgresql_with=_AT_ONCE, postgresql_where=_there),
)
"""Opportunities by record; people: record refs and `email:KEY` of those who are in it."""

touches = Table(
    "touches",
    metadata,
    Column("system", Text, primary_key=True),
    Column("activity_id", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Time, nullable=False),
    Index("touches_lead", "lead_id", "at"),
)

seen_inputs = Table(
    "seen_inputs",
    metadata,
    Column("day", Date, primary_key=True),
    Column("id", Text, primary_key=True),
    postgresql_partition_by="RANGE (day)",
)
"""Inputs that may be applied only once, kept 8 days; one partition a day, so that forgetting is a DROP."""

dirty = Table(
    "dirty",
    metadata,
    Column("lead_id", UUID(as_uuid=False), primary_key=True),
    Column("system", Text, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    _time("since"),
    _time("rung_at"),
    Index("dirty_system", "system", "lane", "rung_at"),
)

intents = Table(
    "intents",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record_id", Text),
    Column("fields", JSONB, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("outcome", JSONB),
    _time("opened_at"),
    Column("deadline", Time, nullable=False),
    Column("done_at", Time),
    Index("intents_lead", "lead_id", "system", postgresql_where=text("state <> 'applied'")),
    Index("intents_open", "system", "deadline", postgresql_where=text("state = 'open'")),
)
"""What the writer is about to tell a system: committed before the call. state: open → done | void → applied (by the lead agent).

`kind` update | create; `fields`: shared field → {"name": vendor field, "value": canonical, "version": n, "at": ms}.
"""

would_write = Table(
    "would_write",
    metadata,
    Column("lead_id", UUID(as_uuid=False), primary_key=True),
    Column("system", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("rule", Text, nullable=False),
    _time("at"),
    Index("would_write_at", "at"),
)

lacks = Table(
    "lacks",
    metadata,
    Column("lead_id", UUID(as_uuid=False), primary_key=True),
    Column("system", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Index("lacks_what", "system", "what"),
)
"""What must be there before the rest of a lead can be told to a system, as the writer's `Left.lacks` says it: `field:OBJECT.NAME`, `user:E-MAIL`."""

pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    _time("at"),
)
"""scope: `all`, `system:NAME` or `field:NAME`."""

let_go = Table(
    "let_go",
    metadata,
    Column("system", Text, primary_key=True),
    Column("room", BigInteger, nullable=False),
    Column("until", Time, nullable=False),
    Column("last_at", Time, nullable=False),
)
"""How many leads a person let go past a system's guard, are left of them, until when, and when the last went: the guard counts from there."""

parked = Table(
    "parked",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=""),
    Column("system", Text),
    Column("ref", Text),
    Column("lead_id", UUID(as_uuid=False)),
    Column("field", Text),
    Column("value", JSONB),
    Column("topic", Text),
    Column("partition", Integer),
    Column("offset", BigInteger),
    Column("key", LargeBinary),
    Column("body", LargeBinary),
    Column("headers", JSONB),
    Column("traceback", Text),
    _time("parked_at"),
    Column("settled_at", Time),
    Column("settled_how", Text),
    Index("parked_open", "parked_at", postgresql_where=text("settled_at IS NULL")),
)

problems = Table(
    "problems",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("system", Text),
    Column("field", Text),
    Column("ref", Text),
    Column("lead_id", UUID(as_uuid=False)),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("owner", Text),
    Column("labels", JSONB, nullable=False, server_default="{}"),
    _time("opened_at"),
    _time("last_at"),
    Column("closed_at", Time),
    Column("alerted_at", Time),
    Column("alert_group", Text),
    Column("told_at", Time),
    Column("end_told_at", Time),
    Index("problems_one_open", "kind", "key", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("problems_ungrouped", "id", postgresql_where=text("alert_group IS NULL AND closed_at IS NULL")),
    Index("problems_in_group", "alert_group", postgresql_where=text("closed_at IS NULL")),
    Index(
        "problems_end_untold", "alert_group", postgresql_where=text("closed_at IS NOT NULL AND told_at IS NOT NULL AND end_told_at IS NULL")
    ),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("at", Time, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Index("timeline_lead", "lead_id", "id"),
)

duplicates = Table(
    "duplicates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ref", Text),
    Column("leads", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    _time("opened_at"),
    Column("settled_at", Time),
    Column("settled_by", Text),
)

pools = Table(
    "pools",
    metadata,
    Column("name", Text, primary_key=True),
    _count("number"),
    Column("state", JSON, nullable=False, server_default="{}"),
)
"""One row per pool, and per person with a cap (by e-mail): locked before anybody is chosen. number: of the last turn; state: see PoolState."""

turns = Table(
    "turns",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("at", Time, nullable=False),
    Column("owner", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("playbook_version", Integer, nullable=False),
    Column("passed_over", JSON, nullable=False),
    Column("pool", Text),
    Column("number", BigInteger),
    Column("member", Text),
    Column("by", Text),
    Column("eligible", JSON, nullable=False),
    Index("turns_pool", "pool", "number", unique=True, postgresql_where=text("pool IS NOT NULL")),
    Index("turns_given", "pool", "at"),
    Index("turns_owner", "owner", "at"),
    Index("turns_lead", "lead_id"),
)
"""Every hand-off that was given to somebody. `number`: without a gap per pool, in the order of its lock; `member`: whose turn it was."""

clocks = Table(
    "clocks",
    metadata,
    Column("lead_id", UUID(as_uuid=False), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("due_at", Time, nullable=False),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Column("playbook_version", Integer, nullable=False),
    Column("claimed_until", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("clocks_ready", text("coalesce(claimed_until, due_at)")),
    Index("clocks_due", "due_at"),
)
"""What is to happen to a lead at a time, one per kind; told on `changes` when it is due, again later if it was not decided by then."""

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sla", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("known_at", Time),
    Column("accepted_at", Time),
    Column("worked_at", Time),
    Column("closed_at", Time),
    Column("closed_as", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("playbook_version", Integer, nullable=False),
    _time("updated_at"),
    Index("handoffs_lead", "lead_id", "cycle"),
    Index("handoffs_open", "owner", postgresql_where=text("closed_at IS NULL")),
    Index("handoffs_opened", "opened_at"),
)
"""The ledger: every hand-off as its lead's document has it, written with it. `source`: the act that led to it, as `form:pricing`."""

offers = Table(
    "offers",
    metadata,
    Column("handoff_id", UUID(as_uuid=False), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("owner", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("known_at", Time),
    Column("ended", Text),
    Column("ended_at", Time),
    Column("reason", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index("offers_owner", "owner", "at"),
)

legs = Table(
    "legs",
    metadata,
    Column("handoff_id", UUID(as_uuid=False), primary_key=True),
    Column("leg", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("owner", Text, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("due_at", Time, nullable=False),
    Column("done_at", Time),
    Column("breached_at", Time),
    Column("cause", Text, nullable=False),
    Column("elapsed_ms", BigInteger, nullable=False),
    Column("paused_ms", BigInteger, nullable=False),
    Column("within_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("legs_due", "due_at"),
    Index("legs_breached", "breached_at", postgresql_where=text("breached_at IS NOT NULL")),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    Column("handoff_id", UUID(as_uuid=False), nullable=False),
    Column("offer", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Column("sent_at", Time),
    Column("claimed_until", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("notices_ready", text("coalesce(claimed_until, at)"), postgresql_where=text("sent_at IS NULL")),
    Index("notices_handoff", "handoff_id", "offer"),
)
"""What a person is to be told about one hand-off; made with the decision, sent by the notifier."""

tasks = Table(
    "tasks",
    metadata,
    Column("key", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("system", "owner", "subject")),
    Column("body", Text, nullable=False, server_default=""),
    Column("due", Time, nullable=False),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False, server_default=""),
    Column("rev", Integer, nullable=False, server_default="1"),
    Column("told_rev", Integer, nullable=False, server_default="0"),
    Column("record_id", Text),
    Column("tried_at", Time),
    Column("claimed_until", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _time("updated_at"),
    Index("tasks_ready", "system", "due", postgresql_where=text("told_rev < rev")),
    Index("tasks_lead", "lead_id"),
)
"""Tasks for reps in the CRM. `state`: open | done | void, as wanted; told while `told_rev` is `rev`; `tried_at`: a call has no outcome yet."""

answers = Table(
    "answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False)),
    Column("ok", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    _time("at"),
)
"""What became of a person's order about a hand-off, by the order's id, in words for that person; kept 8 days."""

cursors = Table(
    "cursors",
    metadata,
    Column("system", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("done_at", Time),
    Column("seen_until", Time),
    _time("changed_at"),
)
"""`changes`, `everything` (the first full read, then the sweep), `sweep` (changed_at: when one ended), `backfill…` (a person's own reads, while they last); done_at: when the first full read ended; seen_until: what changed before that stands on the topic"""

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Time, nullable=False),
)

read_orders = Table(
    "read_orders",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("system", Text, nullable=False),
    _time("ordered_at"),
    Column("claimed_until", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("read_orders_system", "system", "ordered_at"),
)

vendor_users = Table(
    "vendor_users",
    metadata,
    Column("system", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    _time("seen_at"),
)

presence = Table(
    "presence",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("since", Time, nullable=False),
    Column("until", Time),
    Column("cover", Text),
    Column("weight", Double),
    Column("caps", JSONB),
    Column("why", Text, nullable=False, server_default=""),
    Column("by", Text, nullable=False),
    Column("source", Text, nullable=False),
    _time("at"),
    Column("ended_at", Time),
    Column("ended_by", Text),
    Index("presence_person", "person", "id"),
    Index("presence_now", "person", postgresql_where=text("ended_at IS NULL")),
)
"""What people said of when they are there and how much they want (`kind`: away, back, weight, caps): kept for ever; what counts no more is ended."""

reassignments = Table(
    "reassignments",
    metadata,
    Column("run", Text, primary_key=True),
    Column("lead_id", UUID(as_uuid=False), primary_key=True),
    Column("handoff_id", UUID(as_uuid=False)),
    Column("what", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("clocks", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    _time("at"),
    Column("undone_at", Time),
    Column("undone_by", Text),
    Index("reassignments_at", "at"),
)
"""What was given to somebody else in one run of `truce reassign`, one row per lead: enough to give it back."""

playbooks = Table(
    "playbooks",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=True),
    Column("checksum", Text, nullable=False),
    Column("files", JSONB, nullable=False),
    Column("author", Text, nullable=False),
    _time("at"),
    Column("how", Text, nullable=False, server_default="start"),
    Column("moved", JSONB),
)
"""Kept for ever. `how`: start, apply, watch, rollback to v3 …; `moved`: what the preview said then."""

slots = Table(
    "slots",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("system", Text, nullable=False),
    Column("quota", Text, nullable=False),
    Column("sent_at", Time, nullable=False),
    Column("answered_at", Time),
    Index("slots_quota", "system", "quota", "answered_at"),
)
"""The budget that all workers share: one row per call, until its answer plus the window has passed."""

quota_minutes = Table(
    "quota_minutes",
    metadata,
    Column("system", Text, primary_key=True),
    Column("quota", Text, primary_key=True),
    Column("minute", Time, primary_key=True),
    _count("calls"),
)
"""Calls per minute, for windows too long to keep each call."""

quota_seen = Table(
    "quota_seen",
    metadata,
    Column("system", Text, primary_key=True),
    Column("quota", Text, primary_key=True),
    Column("used", BigInteger),
    Column("limit", BigInteger),
    Column("blocked_until", Time),
    _time("at"),
)
"""What the vendor's own headers said, others' use included."""

breakers = Table(
    "breakers",
    metadata,
    Column("system", Text, primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("open_until", Time),
    Column("probe_until", Time),
    _time("changed_at"),
)

skews = Table("skews", metadata, Column("system", Text, primary_key=True), Column("seconds", Double, nullable=False), _time("at"))
"""A vendor's clock minus ours, measured from its answers."""

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token", Text, nullable=False, unique=True, server_default=text("replace(gen_random_uuid()::text, '-', '')")),
    Column("route", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("due_at", Time),
    Column("last_at", Time),
    Column("held_until", Time),
    Column("snoozed_until", Time),
    Column("snoozed_by", Text),
    Column("snooze_shown", Boolean, nullable=False, server_default="true"),
    Column("said", Integer, nullable=False, server_default="0"),
    Index("alert_groups_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
"""Problems that are said together: when they were told last, and when they are looked at next (NULL: when something changes)."""

alert_messages = Table(
    "alert_messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("group_id", Text),
    Column("notice_id", Text),
    Column("say", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text),
    Column("role", Text, nullable=False),
    Column("person", Text),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("at", Time, nullable=False),
    Column("ready_at", Time, nullable=False),
    Column("claimed_until", Time),
    Column("first_at", Time),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unsure", Boolean, nullable=False, server_default="false"),
    Column("copies", Integer, nullable=False, server_default="0"),
    Column("changes", Text),
    Column("sent_at", Time),
    Column("reported_at", Time),
    Column("answered_at", Time),
    Column("ref", Text),
    Column("sent", JSONB),
    Column("words", Text),
    Index("alert_messages_ready", text("coalesce(claimed_until, ready_at)"), postgresql_where=text("state = 'waiting'")),
    Index("alert_messages_group", "group_id", "at", postgresql_where=text("group_id IS NOT NULL")),
    Index("alert_messages_notice", "notice_id", postgresql_where=text("notice_id IS NOT NULL")),
    Index("alert_messages_unreported", "id", postgresql_where=text("state = 'sent' AND say = 'offered' AND reported_at IS NULL")),
    Index("alert_messages_ref", "channel", "ref", postgresql_where=text("ref IS NOT NULL")),
)
"""What is said to whom: an intent before it is sent, and what became of it (waiting | sent | refused | void)."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("door", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("first_at", Time, nullable=False),
    Column("tries", Integer, nullable=False, server_default="1"),
    Column("done_at", Time),
    Column("outcome", Text),
    Column("rule", Text),
    Index("deliveries_first", "first_at"),
)
"""What came through doors, by the sender's id of it, kept 8 days; `outcome`: taken | nobody | unknown | no_rule, NULL while it was not taken."""

visits = Table(
    "visits",
    metadata,
    Column("door", Text, primary_key=True),
    Column("delivery", Text, primary_key=True),
    Column("domain", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("pages", Integer),
    Column("seconds", Double),
    Column("source", Text, nullable=False),
    Column("told_at", Time),
    Column("told", Text),
    Index("visits_domain", "domain", "at"),
    Index("visits_untold", "at", postgresql_where=text("told_at IS NULL")),
)
"""Companies that were on the website, of which no person is known; `told`: owner | list (nobody's account), once it was looked at; until then
`waits` where the account's owner is told with the next digest."""

alert_ticks = Table(
    "alert_ticks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Time, nullable=False),
)
"""What is done from time to time, and when it was done last: one process does it for all."""
