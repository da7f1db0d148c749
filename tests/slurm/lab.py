"""A real SLURM on this machine alone: two nodes, accounting, loopback only, and nothing of it stays.

`python -m tests.slurm.lab FOLDER` starts it with all its state below FOLDER, prints "ready", and stops it when its
standard input ends, as it does however the process at the other end comes to go. Where SLURM cannot be had, it prints
why. Run by root, for the daemons want it. Several may run at a time.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NODES = ("n1", "n2")
CPUS_OF_NODE = 4
PROGRAMS = {
    "munged": "munge",
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "slurmdbd": "slurmdbd",
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
}
"""What is needed, and the Debian package that brings it."""

_SECONDS_TO_START = 300
_SECONDS_TO_STOP = 20
_POLICY = Path("/usr/sbin/policy-rc.d")
_INSTALLING = Path("/run/lock/occpred-tests-install-slurm")


class LabError(Exception):
    """SLURM cannot be had on this machine; says why."""


def install() -> None:
    """Install what is missing, without starting services of the system.

    Raises:
        LabError: that cannot be done here.
    """
    if os.geteuid() != 0:
        raise LabError("SLURM's daemons are started by root only")
    with _INSTALLING.open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if packages := sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)}):
            _install(packages)


def _install(packages: Sequence[str]) -> None:
    if not shutil.which("apt-get"):
        raise LabError(f"there is no {', '.join(packages)} here, and no apt-get to install it")
    is_ours = not _POLICY.exists()
    if is_ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        _POLICY.chmod(0o755)
    try:
        command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            subprocess.run(["apt-get", "update"], capture_output=True, check=False)
            subprocess.run(command, env=environment, capture_output=True, check=True)
    except subprocess.CalledProcessError as error:
        raise LabError(f"cannot install {', '.join(packages)}: {error.stderr.decode().strip()[-300:]}") from error
    finally:
        if is_ours:
            _POLICY.unlink()


def slurm_conf(folder: Path, controller_port: int, accounting_port: int, node_ports: dict[str, int]) -> str:
    """The configuration of a cluster of small nodes that all are this machine."""
    host = socket.gethostname().split(".")[0]
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS_OF_NODE} "
        f"SocketsPerBoard=1 CoresPerSocket={CPUS_OF_NODE} ThreadsPerCore=1 RealMemory=16000 State=UNKNOWN"
        for node, port in node_ports.items()
    )
    return f"""
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
# Tasks find each other at a port that follows from their job's number, which another cluster here must not count to.
FirstJobId={random.randrange(1, 1_000_000)}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
# A job that is queued again may start when its first credential has expired: after two minutes, by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
# Tasks of several nodes find each other here, though the nodes' names mean nothing to anybody.
TaskProlog={folder}/task_prolog
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# Patience, for machines that are busy with other things: with jobs that save themselves, and with daemons.
KillWait=60
UnkillableStepTimeout=600
BatchStartTimeout=120
MessageTimeout=60
TCPTimeout=30
ReturnToService=2
InactiveLimit=0
PropagateResourceLimits=NONE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting_port}
AccountingStoragePass={folder}/munge.socket
{nodes}
PartitionName=main Nodes={",".join(node_ports)} Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=0
PartitionName=urgent Nodes={",".join(node_ports)} MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
"""


def slurmdbd_conf(folder: Path, port: int) -> str:
    """The configuration of the accounting daemon."""
    return f"""
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
CommunicationParameters=NoInAddrAny
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
"""


TASK_PROLOG = """#!/bin/sh
echo export MASTER_ADDR=127.0.0.1
echo export GLOO_SOCKET_IFNAME=lo
"""


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """A cluster, for the duration of the `with` block."""
    controller_port, accounting_port, *node_ports = _free_ports(2 + len(NODES))
    ports = dict(zip(NODES, node_ports, strict=True))
    for name in ("state", "mysql", *(f"spool-{node}" for node in NODES)):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    (folder / "slurm.conf").write_text(slurm_conf(folder, controller_port, accounting_port, ports), encoding="utf-8")
    (folder / "slurmdbd.conf").write_text(slurmdbd_conf(folder, accounting_port), encoding="utf-8")
    (folder / "slurmdbd.conf").chmod(0o600)
    (folder / "task_prolog").write_text(TASK_PROLOG, encoding="utf-8")
    (folder / "task_prolog").chmod(0o755)
    os.environ |= {"SLURM_CONF": f"{folder}/slurm.conf", "MYSQL_UNIX_PORT": f"{folder}/mysql.socket"}
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        daemons.append(_munged(folder))
        _wait_until(lambda: _succeeds("munge", "-S", f"{folder}/munge.socket", "-n"), "munged", folder)
        daemons.append(_mariadbd(folder))
        _wait_until(lambda: _succeeds("mariadb-admin", "--no-defaults", "--user=root", "ping"), "mariadbd", folder)
        daemons.append(_daemon(folder, "slurmdbd", "-D"))
        _wait_until(lambda: _succeeds("sacctmgr", "--noheader", "show", "cluster"), "slurmdbd", folder)
        daemons.append(_daemon(folder, "slurmctld", "-D", "-i"))
        daemons += [_daemon(folder, "slurmd", "-D", "-N", node) for node in NODES]
        _wait_until(lambda: _idle_nodes() == len(NODES), "slurmctld", folder)
        yield
    finally:
        _cancel_all_jobs()
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in reversed(daemons):
            try:
                daemon.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _munged(folder: Path) -> subprocess.Popen[bytes]:
    # By force, as pytest lets nobody else into its folder.
    files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
    files["seed-file"] = "munged.seed"
    options = [f"--{option}={folder}/{name}" for option, name in files.items()]
    return _daemon(folder, "munged", "--foreground", "--force", *options)


def _mariadbd(folder: Path) -> subprocess.Popen[bytes]:
    data = f"--datadir={folder}/mysql"
    with (folder / "mariadb-install-db.out").open("wb") as output:
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", "--user=root", data, "--auth-root-authentication-method=normal"],
            stdout=output,
            stderr=output,
            check=True,
        )
    return _daemon(
        folder,
        "mariadbd",
        "--no-defaults",
        "--user=root",
        data,
        f"--socket={folder}/mysql.socket",
        f"--pid-file={folder}/mariadbd.pid",
        "--skip-networking",
        "--innodb-buffer-pool-size=64M",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-lock-wait-timeout=900",
    )


def _daemon(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """Start a daemon that ends with this process, also where this process is killed."""
    with (folder / f"{command[0]}.out").open("ab") as output:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def _wait_until(is_so: Callable[[], bool], daemon: str, folder: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not is_so():
        if time.monotonic() > deadline:
            words = (folder / f"{daemon}.out").read_text(encoding="utf-8", errors="replace").strip()[-300:]
            raise LabError(f"{daemon} did not come up: {words}")
        time.sleep(0.1)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _idle_nodes() -> int:
    shown = subprocess.run(
        ["sinfo", "--noheader", "--Node", "--partition=main", "--format=%t"],
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.split().count("idle")


def _cancel_all_jobs() -> None:
    subprocess.run(["scancel", "--full", f"--user={os.environ.get('USER', 'root')}"], capture_output=True, check=False)
    deadline = time.monotonic() + _SECONDS_TO_STOP
    while (
        time.monotonic() < deadline
        and subprocess.run(["squeue", "--noheader"], capture_output=True, check=False).stdout
    ):
        time.sleep(0.2)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def main() -> None:
    """Keep a cluster running until the standard input ends."""
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        install()
        with running(folder):
            print("ready", flush=True)
            sys.stdin.read()
    except (LabError, subprocess.CalledProcessError) as error:
        print(" ".join(str(error).split()))
        raise


if __name__ == "__main__":
    main()
