"""Rules of a file as it is written, and of its FROM: they hold for each stage, whether it is built or not."""

from __future__ import annotations

from labcore.builder.events import Warned
from labcore.builder.lint.closest import closest
from labcore.builder.lint.lenient import asked, expanded
from labcore.builder.parser.instructions import Arg, From, Maintainer
from labcore.builder.variables import Arguments
from labcore.errors import InvalidInput
from labcore.spec import Platform, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.builder.lint.source import Written
    from labcore.builder.parser.instructions import Dockerfile
    from labcore.builder.stages import Stages

RESERVED: Final = ("context", "scratch")


def rules_of_text(dockerfile: Dockerfile, instructions: Sequence[Written]) -> Iterator[Warned]:
    """Yield what is to be said of how the instructions are written."""
    for line in dockerfile.blank_at:
        yield Warned("Empty continuation line", line, "NoEmptyContinuation")
    for each in instructions:
        line = each.instruction.location.line
        if isinstance(each.instruction, Maintainer):
            yield Warned("Maintainer instruction is deprecated in favor of using label", line, "MaintainerDeprecated")
        if isinstance(each.instruction, From):
            yield from _stage_name(each, line)
        if isinstance(each.instruction, Arg | From):
            yield from _description(each, line)
    yield from _case(instructions)
    yield from _names(instructions)


def _stage_name(each: Written, line: int) -> Iterator[Warned]:
    keyword, name = each.stage
    if name != name.lower():
        yield Warned(f"Stage name '{name}' should be lowercase", line, "StageNameCasing")
    lower, upper = each.name == each.name.lower(), each.name == each.name.upper()
    if (lower and keyword != keyword.lower()) or (upper and keyword != keyword.upper()):
        yield Warned(f"'{keyword}' and '{each.name}' keywords' casing do not match", line, "FromAsCasing")


def _description(each: Written, line: int) -> Iterator[Warned]:
    instruction = each.instruction
    names = [pair.name for pair in instruction.pairs] if isinstance(instruction, Arg) else [each.stage[1].lower()]
    if not each.comment or not any(names) or each.comment.split()[0] in names:
        return
    shown = names[0] if len(names) == 1 else "<arg_key>"
    text = f"Comment for {instruction.name} should follow the format: `# {shown} <description>`"
    yield Warned(text, line, "InvalidDefinitionDescription")


def _case(instructions: Sequence[Written]) -> Iterator[Warned]:
    """Compare the case of each instruction behind the first FROM with that of most."""
    first = next((at for at, each in enumerate(instructions) if isinstance(each.instruction, From)), 0)
    names = [each.name for each in instructions[first:]]
    lower, upper = sum(name == name.lower() for name in names), sum(name == name.upper() for name in names)
    is_lower = lower > upper
    for each in instructions[first:]:
        if each.name != (each.name.lower() if is_lower else each.name.upper()):
            most = "lowercase" if is_lower else "uppercase"
            text = f"Command '{each.name}' should match the case of the command majority ({most})"
            yield Warned(text, each.instruction.location.line, "ConsistentInstructionCasing")


def _names(instructions: Sequence[Written]) -> Iterator[Warned]:
    seen: set[str] = set()
    for each in instructions:
        name = each.stage[1].lower() if isinstance(each.instruction, From) else ""
        line = each.instruction.location.line
        if name in RESERVED:
            text = f'Stage name should not use the same name as reserved stage "{name}"'
            yield Warned(text, line, "ReservedStageName")
        if name and name in seen:
            yield Warned(f'Duplicate stage name "{name}", stage names should be unique', line, "DuplicateStageName")
        seen.add(name)


def rules_of_from(dockerfile: Dockerfile, stages: Stages, arguments: Arguments) -> Iterator[Warned]:
    """Yield what is to be said of each FROM; `arguments` are those of the build, with the ARGs before the first FROM."""
    escape = dockerfile.directives.escape
    known = arguments.before_from()
    defaults = Arguments((), arguments.predefined)
    for argument in stages.global_arguments:
        defaults.declare_global(argument, lambda word, variables: expanded(word, variables, escape))
    for stage in stages.stages:
        base = stage.base
        line = base.location.line
        names = asked(base.image, escape)
        for name in sorted(names.union(asked(base.platform, escape)) - known.keys() - arguments.consumed):
            meant = closest(name, known)
            text = f"FROM argument '{name}' is not declared" + (f" (did you mean {meant}?)" if meant else "")
            yield Warned(text, line, "UndefinedArgInFrom")
        if names and not _is_reference(expanded(base.image, defaults.before_from(), escape)):
            text = f"Default value for ARG {base.image} results in empty or invalid base image name"
            yield Warned(text, line, "InvalidDefaultArgInFrom")
        if base.platform:
            yield from _platform(base, known, escape)


def _platform(base: From, known: dict[str, str], escape: str) -> Iterator[Warned]:
    text, names, line = expanded(base.platform, known, escape), asked(base.platform, escape), base.location.line
    if names == {"TARGETPLATFORM"} and text == known["TARGETPLATFORM"]:
        said = f"Setting platform to predefined {base.platform} in FROM is redundant as this is the default behavior"
        yield Warned(said, line, "RedundantTargetPlatform")
    if names:
        return
    try:
        platform = Platform.parse(text)
    except InvalidInput:  # which the build says
        return
    stage = base.stage.lower()
    if platform.os not in stage and platform.architecture not in stage:
        said = f'FROM --platform flag should not use constant value "{text}"'
        yield Warned(said, line, "FromPlatformFlagConstDisallowed")


def _is_reference(text: str) -> bool:
    try:
        Reference.parse(text)
    except InvalidInput:
        return False
    return True
