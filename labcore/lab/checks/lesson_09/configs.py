"""Check of `apply`: single instructions on configs that were drawn, and a whole Dockerfile beside labcore's builder."""

import copy
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from labcore.builder import image_config
from labcore.images import Config
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.spec import Platform

Pair = tuple[str, str | list[str]]


def _config(draw: Draw) -> dict[str, Any]:
    """Return a config in which each field has a value."""
    return {
        "Env": ["PATH=/srv:/bin", f"PLACE={draw.mark}", "OLD=1"],
        "Cmd": ["sh"],
        "Entrypoint": [draw.hostname],
        "WorkingDir": f"/{draw.hostname}",
        "User": "nobody",
        "ExposedPorts": {f"{draw.number}/tcp": {}},
        "Labels": {"drawn": draw.token},
    }


def _cases(draw: Draw) -> list[tuple[str, Pair, dict[str, Any], dict[str, Any]]]:
    """Return what each case is about, the instruction, the config, and the fields that are different afterwards."""
    config, port = _config(draw), {f"{draw.number}/tcp": dict[str, str]()}
    bare: dict[str, Any] = {"Env": None, "ExposedPorts": None, "Labels": None}
    env = [f"PLACE={draw.mark}", "PATH=/srv:/bin"]
    line = f"serve $PLACE --name {draw.token}"
    return [
        (say("ENV adds a variable"), ("ENV", f"WORD={draw.token}"), config, {"Env": [*env, "OLD=1", f"WORD={draw.token}"]}),
        (say("and gives one that is there a new value"), ("ENV", "OLD=2 NEW=3"), config, {"Env": [*env, "OLD=2", "NEW=3"]}),
        (say("its values are expanded"), ("ENV", "PATH=$PATH:/$PLACE"), config,
         {"Env": ["OLD=1", f"PLACE={draw.mark}", f"PATH=/srv:/bin:/{draw.mark}"]}),
        (say("its quotes go, and what is in them stays"), ("ENV", f'SAID="{draw.token} here"'), bare,
         {"Env": [f"SAID={draw.token} here"]}),
        (say("CMD, exec form"), ("CMD", ["echo", "$PLACE", draw.token]), config, {"Cmd": ["echo", "$PLACE", draw.token]}),
        (say("CMD, shell form: /bin/sh -c, and the shell expands"), ("CMD", line), config, {"Cmd": ["/bin/sh", "-c", line]}),
        (say("ENTRYPOINT, exec form"), ("ENTRYPOINT", [draw.token]), bare, {"Entrypoint": [draw.token]}),
        (say("ENTRYPOINT, shell form"), ("ENTRYPOINT", line), bare, {"Entrypoint": ["/bin/sh", "-c", line]}),
        (say("WORKDIR from the root"), ("WORKDIR", f"/{draw.token}"), config, {"WorkingDir": f"/{draw.token}"}),
        (say("WORKDIR from the one before"), ("WORKDIR", "a/b"), config, {"WorkingDir": f"/{draw.hostname}/a/b"}),
        (say("WORKDIR with .. in it"), ("WORKDIR", "../b/./c"), config, {"WorkingDir": "/b/c"}),
        (say("WORKDIR, the first, from /"), ("WORKDIR", "${PLACE:-a}"), bare, {"WorkingDir": "/a"}),
        (say("USER, expanded"), ("USER", f"{draw.number}:$OLD"), config, {"User": f"{draw.number}:1"}),
        (say("EXPOSE adds a port; tcp, where nothing is said"), ("EXPOSE", "80"), config,
         {"ExposedPorts": {"80/tcp": {}, **port}}),
        (say("LABEL adds a pair, expanded"), ("LABEL", "of=$PLACE"), config,
         {"Labels": {"drawn": draw.token, "of": draw.mark}}),
        (say("LABEL gives one that is there a new value"), ("LABEL", "drawn=again"), config, {"Labels": {"drawn": "again"}}),
        (say("LABEL of several, in quotes"), ("LABEL", f'a.b="{draw.token} here" c={draw.number}'), bare,
         {"Labels": {"a.b": f"{draw.token} here", "c": str(draw.number)}}),
        (say("EXPOSE of several"), ("EXPOSE", f"53/udp {draw.number}"), bare, {"ExposedPorts": {"53/udp": {}, **port}}),
        *(
            (say("{name} changes nothing of the config", name=pair[0]), pair, config, {})
            for pair in (("FROM", "busybox"), ("RUN", f"echo {draw.token}"), ("RUN", ["true"]), ("COPY", ". /app"))
        ),
    ]  # fmt: skip


def _dockerfile(draw: Draw) -> list[Pair]:
    """Return a Dockerfile in which the lines build on one another."""
    return [
        ("ENV", f"HOME_OF={draw.mark} PORT={draw.number}"),
        ("WORKDIR", "/srv/$HOME_OF"),
        ("WORKDIR", "bin"),
        ("ENV", "PATH=/srv/$HOME_OF/bin:$PATH"),
        ("EXPOSE", "$PORT/udp 8080"),
        ("LABEL", 'of="$HOME_OF, at $PORT" by=me'),
        ("USER", "${SOMEBODY:-nobody}"),
        ("ENTRYPOINT", [draw.token, "--port"]),
        ("CMD", "$PORT"),
    ]


def _perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    results, kept = [], []
    for _, instruction, config, _ in _cases(draw):
        given = copy.deepcopy(config)
        results.append(mine.apply(instruction, given))
        kept.append(given == config)
    folded: Any = _config(draw)
    for instruction in _dockerfile(draw):
        folded = mine.apply(instruction, folded)
    return {"results": results, "kept": kept, "folded": folded, "unclosed": _unclosed(mine, draw)}


def _unclosed(mine: ModuleType, draw: Draw) -> str:
    """Give it an ENV whose quotes are not closed; return what is raised, as it should be."""
    try:
        mine.apply(("ENV", f'WORD="{draw.token}'), _config(draw))
    except Exception as error:
        return type(error).__name__
    return ""


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    for (what, _, config, changed), found in zip(_cases(draw), returned["results"], strict=True):
        yield _same(what, {**config, **changed}, found)
    yield Claim(say("quotes that are not closed are an error"), returned["unclosed"] != "", say("none"))
    yield Claim(say("a new config is returned: the one that was given is as it was"), all(returned["kept"]))
    yield _same(say("a Dockerfile, line by line: the config that labcore's builder makes"), _ours(draw), returned["folded"])


def _same(what: str, wanted: Mapping[str, Any], found: Any) -> Claim:
    """Claim that configs are the same; the order of variables means nothing, and a field that is null is none."""
    if not isinstance(found, dict):
        return Claim(what, False, seen=repr(found))
    left, right = _settled(wanted), _settled(found)
    names = [name for name in dict.fromkeys((*left, *right)) if left.get(name) != right.get(name)]
    return (
        equal(what, *(" ".join(f"{name}={each.get(name)}" for name in names) for each in (left, right)))
        if names
        else Claim(what, True)
    )


def _settled(config: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in config.items() if value}
    return {**told, "Env": sorted(told["Env"])} if isinstance(told.get("Env"), list) else told


def _ours(draw: Draw) -> dict[str, Any]:
    from labcore.json_codec import dumps

    text = "\n".join(f"{name} {value if isinstance(value, str) else dumps(value)}" for name, value in _dockerfile(draw))
    here = {"architecture": Platform.here().architecture, "rootfs": {"diff_ids": []}, "config": _config(draw)}
    made: dict[str, Any] = image_config.changed(Config.from_json(here), text).run_json()
    return made


APPLY = Scenario(_perform, None, _conclude, None, forbidden=(image_config,))
