"""A learner's functions in the builder: `parse`, `apply`, `build`, `cache_key` of the file of `labcore daemon --stages`.

    parse(text)                  returns pairs of an instruction's name and its value: a text, or the words of the exec form;
                                 a heredoc's lines, and the one that ends it, follow in the text
    apply(instruction, config)   is given such a pair and the config, docker's JSON as a dict; returns the new one. ARGs are
                                 among the config's variables meanwhile
    build(instructions, step)    is given a stage's pairs, and calls `step` with each: that carries it out, and returns an ID
    cache_key(parent, instruction, content)   returns what a step is known by, a text; it is given the key below, the pair, and
                                 the digest of what the step reads, empty for a RUN

What one of them leaves out, ours does.
"""

from __future__ import annotations

import json

from labcore.builder.cache_key import key_of
from labcore.builder.parser import parse, read_directives
from labcore.builder.parser.instructions import Directives
from labcore.builder.parser.lexing import list_of
from labcore.errors import InvalidInput
from labcore.images import Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final, TypeAlias

    from labcore.builder.parser.instructions import Dockerfile, Instruction

    Pair: TypeAlias = "tuple[str, str | list[str]]"

HEREDOCS: Final = ("RUN", "COPY", "ADD")
EXEC_FORMS: Final = (*HEREDOCS, "CMD", "ENTRYPOINT", "SHELL", "VOLUME")


def parsed(text: bytes, name: str, functions: Mapping[str, Callable[..., Any]]) -> Dockerfile:
    """Read a Dockerfile, by the learner's `parse` if there is one. Raises DockerfileError, InvalidInput."""
    read = functions.get("parse")
    if read is None:
        return parse(text, name=name)
    pairs = list(read(text.decode(errors="replace")))
    own = parse("\n".join([*_directives(text, name), *map(_line, pairs)]), name=f"{name}, as parse() has read it")
    if (count := len(own.instructions)) != len(pairs):
        raise InvalidInput(
            f"parse returned {len(pairs)} pairs, and Docker reads them as {count} instructions: is one continued?"
        )
    return own.replace(name=name)


def _directives(text: bytes, name: str) -> list[str]:
    """Return the file's directives as lines: pairs have none."""
    usual = Directives()
    found = read_directives(text, name=name).as_dict()
    return [f"# {key}={value}" for key, value in found.items() if value != getattr(usual, key)]


def _line(pair: Any) -> str:
    """Write a pair as the line of a Dockerfile, or the lines of one with heredocs. Raises InvalidInput for what is none."""
    match pair:
        case (str(name), str(value)) if "\n" not in name + value or (name in HEREDOCS and "<<" in value.partition("\n")[0]):
            return f"{name} {value}"
        case (str(name), [*words]) if all(isinstance(word, str) for word in words):
            return f"{name} {json.dumps(words)}"
    raise InvalidInput(
        f"parse returned {pair!r:.80}: pairs are wanted, of a name and a text without line ends (but a heredoc's), "
        "or a list of words"
    )


def pair_of(instruction: Instruction) -> Pair:
    """Return an instruction as a pair."""
    value = "".join(instruction.source.split(None, 1)[1:])
    if instruction.name in EXEC_FORMS and (words := list_of(value)) is not None:
        return instruction.name, words
    heredocs = getattr(getattr(instruction, "command", instruction), "heredocs", ())
    return instruction.name, value + "".join(f"\n{each.content}{each.name}" for each in heredocs)


def applied(apply: Callable[..., Any], instruction: Instruction, config: Config, arguments: Mapping[str, str]) -> Config:
    """Return a config after an instruction that the learner's `apply` was given. Raises InvalidInput.

    The `arguments`, ARGs that are known here, are variables like those of ENV for it; in the image they are not.
    """
    given = config.run_json()
    if arguments:
        given["Env"] = [*(f"{name}={value}" for name, value in arguments.items()), *(given.get("Env") or ())]
    after = apply(pair_of(instruction), given)
    if not isinstance(after, dict):
        raise InvalidInput(f"apply returned {type(after).__name__}, and not the config, a dict: end it with `return config`")
    try:
        if arguments:
            own = arguments.keys() - {pair.name for pair in getattr(instruction, "pairs", ())}
            after = after | {"Env": [line for line in after.get("Env") or () if line.partition("=")[0] not in own]}
        return Config.from_json(config.to_json() | {"config": after})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"apply returned a config that is none: {error}") from None


def keyed(cache_key: Callable[..., Any], parent: str, instruction: Instruction, content: Any, beside: Sequence[Any]) -> str:
    """Return a step's key as the learner's `cache_key` makes it, which never equals one of ours. Raises InvalidInput.

    `content` is what the step reads, and `beside` what it depends on without saying so: options of the build.
    """
    made = cache_key(parent, pair_of(instruction), key_of("", "content", content) if content else "")
    if not isinstance(made, str) or not made:
        raise InvalidInput(f"cache_key returned {made!r:.80}: a text is wanted, equal for equal steps, else another")
    return key_of(made, "learner", *beside)


def in_turn(instructions: Sequence[Instruction], step: Callable[[Instruction], str], build: Callable[..., Any] | None) -> None:
    """Carry out a stage's instructions, one after the other, or as the learner's `build` does it. Raises InvalidInput."""
    if build is None:
        for each in instructions:
            step(each)
        return
    left = list(instructions)

    def next_step(pair: Any) -> str:
        if not left or pair_of(left[0]) != tuple(pair):
            raise InvalidInput(f"build called step with {pair!r:.80}: it is to be called with each instruction, in their order")
        return step(left.pop(0))

    build([pair_of(each) for each in instructions], next_step)
    if left:
        raise InvalidInput(f"build has not called step with {pair_of(left[0])!r:.80}")
