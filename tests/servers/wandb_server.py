"""As much of a W&B server as the real `wandb sync`, online runs and sweep agents talk to, and it keeps what it is sent.

`GET /stats` gives `runs` by id (config, tags, group, ..., `history` line by line as a server stores them, `files`),
`artifacts` by collection, with the runs that logged and used them, and `unknown`, what it was asked and could not
answer. Of a sweep it hands out the points of a grid, one after another.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any
from urllib.parse import unquote

import yaml

from tests.servers.http_service import Connection, HttpReply, HttpRequest, json_reply, run
from tests.servers.server_process import RunningServer, running

HISTORY, SUMMARY = "wandb-history.jsonl", "wandb-summary.json"


@contextmanager
def wandb_server() -> Iterator[RunningServer]:
    """Run one. Clients are given `WANDB_BASE_URL` and any `WANDB_API_KEY` of 40 characters."""
    with running("wandb_server") as server:
        yield server


@dataclass
class StoredRun:
    """What a server knows of a run."""

    id: str
    project: str | None = None
    entity: str | None = None
    name: str | None = None
    group: str | None = None
    job_type: str | None = None
    tags: list[str] = field(default_factory=list)
    sweep: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    preempting: bool = False
    state: str = "running"
    told: dict[str, Any] = field(default_factory=dict)
    """All that was said when the run was created."""

    def stream(self, body: dict[str, Any]) -> None:
        """Take a piece of the run's files: lines from `offset` on replace those that are there."""
        for name, piece in body.get("files", {}).items():
            lines, offset = piece["content"], piece["offset"]
            if name == HISTORY:
                self.history[offset : offset + len(lines)] = map(json.loads, lines)
            elif name == SUMMARY:
                self.summary = json.loads(lines[-1])
        self.preempting |= bool(body.get("preempting"))
        if body.get("complete"):
            self.exit_code = body.get("exitcode")
            unfinished = "preempted" if self.preempting else "failed"
            self.state = "finished" if self.exit_code == 0 else unfinished


@dataclass
class StoredArtifact:
    """What a server knows of an artifact: one version a collection, for equal content is one version."""

    id: str
    collection: str
    type: str
    digest: str
    metadata: Any
    logged_by: str
    state: str = "PENDING"
    used_by: list[str] = field(default_factory=list)


class WandbServer:
    """Serves connections."""

    def __init__(self) -> None:
        self.runs: dict[str, StoredRun] = {}
        self.artifacts: dict[str, StoredArtifact] = {}
        self.unknown: list[str] = []
        self.sweep: dict[str, Any] = {}
        self.points: list[tuple[Any, ...]] = []

    def serve(self, request: HttpRequest, connection: Connection) -> None:
        """Answer one request."""
        connection.send(self._reply(request))

    def _reply(self, request: HttpRequest) -> HttpReply:
        path = request.path.partition("?")[0]
        match request.method, path.strip("/").split("/"):
            case "GET", ["stats"]:
                kept = {"runs": self.runs, "artifacts": self.artifacts}
                stats = {name: {key: asdict(value) for key, value in items.items()} for name, items in kept.items()}
                return json_reply(200, {**stats, "unknown": self.unknown})
            case "POST", ["reset"]:
                self.__init__()  # type: ignore[misc]
                return json_reply(200, {})
            case "POST", ["graphql"]:
                asked = json.loads(request.body)
                host = f"http://{request.headers['host']}"
                return json_reply(200, {"data": self._data(asked["query"], asked.get("variables") or {}, host)})
            case "POST", ["files", _, _, run, "file_stream"]:
                self.runs[run].stream(json.loads(request.body))
                return json_reply(200, {})
            case "PUT", ["storage", "run", run, *name]:
                text = base64.b64encode(request.body).decode()
                self.runs[run].files[unquote("/".join(name))] = text
                return json_reply(200, {})
            case ("PUT", ["storage", *_]) | ("POST", ["sdk", "otel", *_]):
                return json_reply(200, {})
            case _:
                self.unknown.append(f"{request.method} {path}")
                return json_reply(404, {})

    def _data(self, query: str, given: dict[str, Any], host: str) -> dict[str, Any]:
        operation = query.split("(")[0].split("{")[0].split()[-1]
        answer = getattr(self, f"_{operation}", None)
        if answer is None:
            self.unknown.append(query)
            return {}
        return answer(given, host)

    def _ServerFeaturesQuery(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        return {"serverInfo": {"features": []}}

    def _Viewer(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        viewer = {"id": "viewer", "entity": "team", "username": "me", "email": "", "flags": "{}"}
        return {"viewer": {**viewer, "teams": {"edges": []}}}

    def _RunResumeStatus(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        run = self.runs.get(given["name"])
        project = {"id": "project", "name": given["project"], "entity": {"id": "entity", "name": given["entity"]}}
        if run is None:
            return {"model": {**project, "bucket": None}}
        bucket = {
            "id": run.id,
            "name": run.id,
            "displayName": run.name,
            "summaryMetrics": json.dumps(run.summary),
            "logLineCount": 0,
            "historyLineCount": len(run.history),
            "eventsLineCount": 0,
            "historyTail": json.dumps([json.dumps(line) for line in run.history[-1:]]),
            "eventsTail": "[]",
            "config": json.dumps(run.config),
            "tags": run.tags,
            "notes": "",
            "wandbConfig": json.dumps({"t": 1}),
        }
        return {"model": {**project, "bucket": bucket}}

    def _UpsertBucket(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        inserted = given["name"] not in self.runs
        run = self.runs.setdefault(given["name"], StoredRun(given["name"]))
        names = {"project": "project", "entity": "entity", "displayName": "name", "groupName": "group"}
        for name, attribute in {**names, "jobType": "job_type", "tags": "tags", "sweep": "sweep"}.items():
            if given.get(name) is not None:
                setattr(run, attribute, given[name])
        if given.get("config"):
            run.config = {name: entry["value"] for name, entry in json.loads(given["config"]).items()}
        run.state = "running"
        run.told = run.told or given
        project = {"id": "project", "name": run.project, "entity": {"id": "entity", "name": run.entity}}
        bucket = {
            "id": run.id,
            "name": run.id,
            "displayName": run.name,
            "description": "",
            "config": "{}",
            "sweepName": run.sweep,
            "historyLineCount": len(run.history),
            "project": project,
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def _CreateRunFiles(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        files = [{"name": name, "uploadUrl": f"{host}/storage/run/{given['run']}/{name}"} for name in given["files"]]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _FetchArtifactDigestAlgorithm(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        return {"project": None}

    def _ArtifactType(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        artifact = self.artifacts.get(given["name"].partition(":")[0])
        return {"project": {"artifact": artifact and {"artifactType": {"name": artifact.type}}}}

    def _CreateArtifact(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        asked = given["input"]
        collection = asked["artifactCollectionName"]
        artifact = self.artifacts.get(collection)
        if artifact is None or artifact.digest != asked["digest"]:
            artifact = self.artifacts[collection] = StoredArtifact(
                id=collection,
                collection=collection,
                type=asked["artifactTypeName"],
                digest=asked["digest"],
                metadata=json.loads(asked["metadata"]) if asked["metadata"] else None,
                logged_by=asked["runName"],
            )
        sequence = {"latestArtifact": {"id": artifact.id} if artifact.state == "COMMITTED" else None}
        described = {"id": artifact.id, "state": artifact.state, "artifactSequence": sequence}
        return {"createArtifact": {"artifact": described}}

    def _CreateArtifactManifest(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        file = {"id": "file", "uploadUrl": f"{host}/storage/manifest", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": given["artifactID"], "file": file}}}

    def _UpdateArtifactManifest(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        file = {"id": "file", "uploadUrl": f"{host}/storage/manifest", "uploadHeaders": []}
        return {"updateArtifactManifest": {"artifactManifest": {"id": given["artifactManifestID"], "file": file}}}

    def _CreateArtifactFiles(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        edges = [
            {
                "node": {
                    "storagePath": file["name"],
                    "uploadUrl": f"{host}/storage/artifact/{file['name']}",
                    "uploadHeaders": [],
                    "uploadMultipartUrls": None,
                    "artifact": {"id": file["artifactID"]},
                }
            }
            for file in given["input"]["artifactFiles"]
        ]
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _CommitArtifact(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        artifact = self.artifacts[given["artifactID"]]
        artifact.state = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}

    def _UseArtifact(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        asked = given["input"]
        self.artifacts[asked["artifactID"]].used_by.append(asked["runName"])
        return {"useArtifact": {"artifact": {"id": asked["artifactID"]}}}

    def _UpsertSweep(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        self.sweep = yaml.safe_load(given["config"])
        self.points = list(product(*(each["values"] for each in self.sweep["parameters"].values())))
        project = {"id": "project", "name": given["projectName"], "entity": {"id": "entity", "name": "team"}}
        sweep = {"id": "sweep", "name": "grid1234", "project": project}
        return {"upsertSweep": {"sweep": sweep, "configValidationWarnings": []}}

    def _SweepWithRuns(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        sweep = {"id": "sweep", "name": given["sweep"], "config": yaml.dump(self.sweep), "runs": {"edges": []}}
        return {"project": {"sweep": sweep}}

    def _CreateAgent(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        return {"createAgent": {"agent": {"id": "agent"}}}

    def _Heartbeat(self, given: dict[str, Any], host: str) -> dict[str, Any]:
        command: dict[str, Any] = {"type": "exit"}
        if json.loads(given["runState"]):
            return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": "[]"}}
        if self.points:
            point = dict(zip(self.sweep["parameters"], self.points.pop(0), strict=True))
            command = {
                "type": "run",
                "run_id": f"point{len(self.points)}",
                "program": "",
                "args": {name: {"value": value} for name, value in point.items()},
            }
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps([command])}}


if __name__ == "__main__":
    asyncio.run(run(WandbServer().serve))
