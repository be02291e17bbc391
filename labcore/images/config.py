"""Image config: run settings, history, and the layers' diff_ids (image-spec, config.md)."""

from __future__ import annotations

from labcore.errors import StoreDamaged
from labcore.json_codec import dumps, loads
from labcore.record import Record
from labcore.spec import Healthcheck, Platform, checked_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final, Self


class History(Record):
    """A history entry: the step that made a layer or, with `empty_layer`, changed only the config. `created` is RFC 3339."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an entry of `history`."""
        texts = {name: str(value.get(name) or "") for name in ("created", "created_by", "author", "comment")}
        return cls(**texts, empty_layer=bool(value.get("empty_layer")))

    def to_json(self) -> dict[str, Any]:
        """Return the entry; what is empty is left out."""
        return {name: value for name, value in self.as_dict().items() if value}


CACHE_KEYS: Final = "labcore.cache.v1"
_TIMES: Final = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
    "retries": "Retries",
}


class Config(Record):
    """An image's run settings, and `diff_ids`, the digests of its uncompressed layers from the lowest up.

    `exposed_ports` are `80/tcp`, `volumes` paths, `labels` pairs; `on_build`, `shell` and `healthcheck` are Docker's additions.
    `cache_keys` are labcore's: of an image that later builds can take layers from, the key of each, empty where there is none.
    """

    architecture: str
    diff_ids: tuple[str, ...]
    environment: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workdir: str = "/"
    user: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None
    os: str = "linux"
    variant: str = ""
    created: str = ""
    author: str = ""
    history: tuple[History, ...] = ()
    cache_keys: tuple[str, ...] = ()

    @property
    def platform(self) -> Platform:
        """The platform that the image is for."""
        return Platform(self.os, self.architecture, self.variant)

    def whole_history(self) -> tuple[History, ...]:
        """Return a history that has an entry for each layer, as readers expect if there is one at all."""
        told = sum(not entry.empty_layer for entry in self.history)
        return (*self.history, *(History(comment="of the image below") for _ in range(len(self.diff_ids) - told)))

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read a config blob; `what` names it in errors. Raises StoreDamaged."""
        try:
            return cls.from_json(loads(content.decode()))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise StoreDamaged(f"{what} is no image config that can be read: {error!r}") from error

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a config. Raises KeyError, TypeError, ValueError or AttributeError for what is no config."""
        run = value.get("config") or {}
        health = run.get("Healthcheck")
        return cls(
            architecture=str(value["architecture"]),
            diff_ids=tuple(checked_digest(digest) for digest in value["rootfs"]["diff_ids"] or ()),
            environment=_words(run.get("Env")),
            entrypoint=_words(run.get("Entrypoint")),
            command=_words(run.get("Cmd")),
            workdir=str(run.get("WorkingDir") or "/"),
            user=str(run.get("User") or ""),
            exposed_ports=tuple(sorted(run.get("ExposedPorts") or {})),
            volumes=tuple(sorted(run.get("Volumes") or {})),
            labels=tuple(sorted((str(k), str(v)) for k, v in (run.get("Labels") or {}).items())),
            stop_signal=str(run.get("StopSignal") or ""),
            shell=_words(run.get("Shell")),
            on_build=_words(run.get("OnBuild")),
            healthcheck=healthcheck_from_json(health) if health else None,
            os=str(value.get("os") or "linux"),
            variant=str(value.get("variant") or ""),
            created=str(value.get("created") or ""),
            author=str(value.get("author") or ""),
            history=tuple(History.from_json(entry) for entry in value.get("history") or ()),
            cache_keys=_words(value.get(CACHE_KEYS)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the config as a blob's JSON; what is empty is left out: the same content has the same digest."""
        about = {"created": self.created, "author": self.author, "variant": self.variant}
        value: dict[str, Any] = {"architecture": self.architecture, "os": self.os}
        value |= {key: item for key, item in about.items() if item}
        value["config"] = self.run_json()
        value["rootfs"] = {"type": "layers", "diff_ids": list(self.diff_ids)}
        if self.history:
            value["history"] = [entry.to_json() for entry in self.history]
        if self.cache_keys:
            value[CACHE_KEYS] = list(self.cache_keys)
        return value

    def run_json(self) -> dict[str, Any]:
        """Return the run settings as docker shows them: the blob's `config`."""
        run: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": list(self.environment),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Volumes": {path: {} for path in self.volumes},
            "WorkingDir": self.workdir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Shell": list(self.shell),
            "OnBuild": list(self.on_build),
            "Healthcheck": healthcheck_json(self.healthcheck) if self.healthcheck else None,
        }
        return {key: item for key, item in run.items() if item}

    def to_bytes(self) -> bytes:
        """Return the blob."""
        return dumps(self.to_json()).encode()


def healthcheck_from_json(value: Mapping[str, Any]) -> Healthcheck:
    """Read Docker's `Healthcheck`. Raises TypeError or ValueError."""
    return Healthcheck(_words(value.get("Test")), **{name: int(value.get(key) or 0) for name, key in _TIMES.items()})


def healthcheck_json(check: Healthcheck) -> dict[str, Any]:
    """Return a health check as it stands in a config; what is zero is left out."""
    times = {key: getattr(check, name) for name, key in _TIMES.items()}
    return {"Test": list(check.test)} | {key: value for key, value in times.items() if value}


def _words(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{value!r} is no list of strings")
    return tuple(value)
