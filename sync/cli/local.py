"""Everything on this machine: `truce up` and `truce demo`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sync.cli import place
from sync.cli.keeper import EMULATED, Keeper
from sync.cli.output import CannotRun, console
from sync.cli.pages import Pages
from sync.cli.parts import Parts, connections
from sync.cli.watch import Watch
from sync.runtime import kafka, postgres
from sync.runtime.folder import Folder, empty, hold, hold_any, stop_left_over
from sync.runtime.guard import passing
from sync.runtime.kafka import LocalKafka, free_port
from sync.runtime.postgres import LocalPostgres
from sync.settings import Settings

if TYPE_CHECKING:
    from sync.app import Ready

PAIR = ("salesforce", "hubspot")
"""The systems that are emulated where nothing else is said."""
CHAT = "slack"
"""The emulated Slack among the emulated systems' addresses."""
SECRET = "a laptop's secret, set TRUCE_SECRET in production"


@dataclass
class Local:
    """Servers of this machine, or one's own, and the parts that run on them."""

    folder: Path
    dsn: str
    bootstrap: str
    parts: Parts
    servers: dict[str, LocalPostgres | LocalKafka] = field(default_factory=dict)
    """Those of this run, by name: none of one's own."""


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing of it is left running; who has a handler of their own keeps it."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def servers(settings: Settings, folder: Folder, installation: str) -> Iterator[Local]:
    """Run PostgreSQL and Kafka in a folder (or use one's own), and end every part when the block ends."""
    with ExitStack() as stack:
        stack.enter_context(_ended_by_a_signal())
        stack.callback(folder.release)
        stack.callback(stop_left_over, folder.path)  # a server that was still starting
        ours: dict[str, LocalPostgres | LocalKafka] = {}
        if settings.database:
            dsn = settings.database.get_secret_value()
        else:
            ours["PostgreSQL"] = database = stack.enter_context(postgres.local(folder.path))
            dsn = database.dsn
        if settings.kafka:
            bootstrap = settings.kafka
        else:
            ours["Kafka"] = broker = stack.enter_context(kafka.local(folder.path))
            bootstrap = broker.bootstrap
        environment = {
            "TRUCE_DATABASE": dsn,
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TRUCE_INSTALLATION": installation,
            "TRUCE_SECRET": settings.secret.get_secret_value(),
            "TRUCE_PLAYBOOK": str(settings.playbook.resolve()),
            "TRUCE_HOME": str(settings.home.resolve()),
        }
        parts = Parts(folder.path, environment, settings.metrics_port)
        stack.callback(parts.stop)
        yield Local(folder.path, dsn, bootstrap, parts, ours)


def prepared(settings: Settings, *, take: bool = False) -> Ready:
    """Make the installation ready (`take`: with the folder's playbook in force); raises CannotRun when one's own PostgreSQL or Kafka does not answer, with which setting names it."""
    from sync.app import prepare

    try:
        return asyncio.run(prepare(settings, take=take))
    except Exception as error:
        away = passing(error)
        if away not in ("database", "kafka") or isinstance(error, PermissionError):
            raise
        what, name = ("PostgreSQL", "TRUCE_DATABASE") if away == "database" else ("Kafka", "KAFKA_BOOTSTRAP_SERVERS")
        raise CannotRun(f"{what} does not answer ({type(error).__name__}): is it up, and does {name} name it?") from error


def emulators(parts: Parts, vendors: Sequence[str] = PAIR, *, chat: bool = False) -> dict[str, str]:
    """Start the emulated systems; gives their addresses, with that of the emulated Slack if `chat`: then people are told there."""
    part = parts.start(EMULATED, "emulate", *vendors, pipe=True)
    assert part.process.stdout is not None
    line = part.process.stdout.readline()
    if not line:
        parts.check()
        raise CannotRun(f"the emulated systems did not start: see {part.log}")
    urls: dict[str, str] = json.loads(line)
    return urls if chat else {name: url for name, url in urls.items() if name != CHAT}


def start_roles(local: Local, workers: int, port: int, poll_s: float, urls: dict[str, str] | None) -> None:
    """Start sources and writers as one process, and the workers."""
    from sync.cli import emulate
    from sync.cli.demo.clients import door

    environment = dict(local.parts.environment)
    if urls:
        environment.update(connections(emulate.systems(urls, base_s=poll_s)))
    if urls and CHAT in urls:
        environment.update(emulate.channels(urls[CHAT]))
        door(urls[CHAT], "app", {name: f"http://127.0.0.1:{port}/slack/{name}" for name in ("actions", "commands")})
    environment.update({"TRUCE_HTTP_PORT": str(port), "TRUCE_SESSION_S": "3"})  # the local broker allows it: a dead worker is missed sooner
    environment["TRUCE_CONSOLE_PORT"] = os.environ.get("TRUCE_CONSOLE_PORT") or str(free_port())  # the same at each start: links stay good
    local.parts.environment = environment
    for n in range(workers):
        local.parts.start(f"worker-{n + 1}", "worker")
    local.parts.start("edge", "edge")


def emulated(vendors: Annotated[list[str] | None, typer.Argument(help="Which; salesforce and hubspot without a word.")] = None) -> None:
    """Serve the emulated systems, each on a free port."""
    from sync.cli import emulate

    asyncio.run(emulate.run(vendors or PAIR))


def _pair(text: str) -> tuple[str, str]:
    from sync.cli import emulate

    found = tuple(one.strip() for one in text.split(","))
    for pair in emulate.PAIRS:
        if pair == found:
            return pair
    raise CannotRun(f"{text} is no pair that the demo plays: name one of {', '.join(','.join(pair) for pair in emulate.PAIRS)}.")


def demo(
    pair: Annotated[str, typer.Option(metavar="CRM,MAP", help="Which two systems: salesforce,marketo or espocrm,mautic.")] = ",".join(PAIR),
    own: Annotated[
        bool,
        typer.Option(
            "--own", help="With your own EspoCRM and Mautic, a trial's (TRUCE_SYSTEMS__…): people are added, all else is synced too."
        ),
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="Print the figures as JSON at the end, and nothing else.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave everything running after the story, until Ctrl-C.")] = False,
) -> None:
    """Play a short story on real servers and say whether both systems agree at the end.

    Example: `truce demo`
    """
    from sync.cli.demo.run import play

    settings, chosen = Settings(), _pair(pair)
    folder = hold_any(settings.home, "demo")
    if not settings.database or not settings.kafka:
        empty(folder)
    raise typer.Exit(play(settings, folder, chosen, own=own, json_out=json_out, keep=keep))


def up(
    workers: Annotated[int, typer.Option(min=1, max=16, help="How many workers decide.")] = 2,
    port: Annotated[int | None, typer.Option(help="Where webhooks come in; 0 takes a free port.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Apply the playbook's folder whenever it is saved.")] = False,
) -> None:
    """Run everything on this machine until Ctrl-C; with no system set up, the emulated ones.

    Example: `truce up`
    """
    from sync.cli.demo.clients import door
    from sync.runtime import web

    settings = Settings()
    wanted = settings.http_port if port is None else port
    listener = web.bind(settings.http_host, wanted, "TRUCE_HTTP_PORT")
    chosen = listener.getsockname()[1]
    listener.close()
    folder = hold(settings.home, "up")
    stop_left_over(folder.path)
    if not settings.systems and not (settings.database and settings.kafka):
        empty(folder)  # the emulated systems keep nothing either: a store that remembers them would speak of records that are gone
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    with servers(settings, folder, settings.installation) as local:
        urls = None if settings.systems else _peopled(emulators(local.parts, chat=True))
        ready = settings.model_copy(update=_addresses(local))
        prepared(ready)
        start_roles(local, workers, chosen, 1.0, urls)
        if urls:
            door(urls["hubspot"], "webhooks", {"url": f"http://127.0.0.1:{chosen}/webhooks/hubspot"})
        here = place.Place(local.dsn, settings.installation, local.bootstrap, settings.secret.get_secret_value())
        place.remember(settings.home, local.folder, here, os.getpid())
        if urls:
            (settings.home / "emulated.json").write_text(json.dumps(urls))
        _welcome(local, urls, chosen)
        if told := asyncio.run(_differs(here, settings)):
            console.print(told, markup=False)
        Keeper(local, settings.installation, stopped, Watch(ready, here) if watch else None, _pages(local, ready)).run()
    console.print("Stopped. The data stays in", str(local.folder), markup=False)


async def _differs(here: place.Place, settings: Settings) -> str:
    """Say so when the folder's playbook is another one than the one in force."""
    from sync.playbook import loader
    from sync.store import playbooks
    from sync.store.connect import connect

    connection = await connect(here.dsn, here.installation)
    try:
        kept = await playbooks.active(connection)
    finally:
        await connection.close()
    if kept is None or kept.checksum == loader.checksum(loader.read(settings.playbook, loader.environment_of(kept.files))):
        return ""
    return f"  v{kept.version} of the playbook is in force, and {settings.playbook} says otherwise: truce diff in-force {settings.playbook}"


def _peopled(urls: dict[str, str]) -> dict[str, str]:
    """Give the emulated systems the people of the demo."""
    from sync.cli.demo.sides import marketing, sales
    from sync.cli.demo.world import peopled
    from sync.playbook import loader

    crm, platform = PAIR
    peopled(loader.load(Settings().playbook), {crm: sales(crm, urls[crm]), platform: marketing(platform, urls[platform])})
    return urls


def _pages(local: Local, settings: Settings) -> Pages:
    """Give what says where the pages are: on the port that the parts were told."""
    from sync.console.visits import key

    port = int(local.parts.environment["TRUCE_CONSOLE_PORT"])
    return Pages(port, settings.console_url or f"http://{settings.http_host}:{port}", key(settings.secret_bytes))


def _addresses(local: Local) -> dict[str, object]:
    from pydantic import SecretStr

    return {"database": SecretStr(local.dsn), "kafka": local.bootstrap}


def _welcome(local: Local, urls: dict[str, str] | None, port: int) -> None:
    console.print(
        f"Truce is up · Kafka {local.bootstrap} · webhooks http://127.0.0.1:{port}/webhooks/SYSTEM · logs in {local.folder}", markup=False
    )
    if local.parts.metrics_port:
        ports = ", ".join(f"{name} {local.parts.port(name)}" for name in local.parts.running if name != EMULATED)
        console.print(f"  /health and /metrics on 127.0.0.1: {ports}", markup=False)
    for system, url in (urls or {}).items():
        console.print(f"  {system} emulated at {url}", markup=False)
    console.print(
        "Try: truce doctor · truce explain WHO · truce parked · truce pause all --reason why. Ctrl-C ends everything.", markup=False
    )
