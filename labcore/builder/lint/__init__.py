"""Lint: what is allowed in a Dockerfile, and better done otherwise; rules are named as BuildKit names them (build checks).

`rules` has all of them with their reasons. `# check=skip=RULE,…;error=true` in the file chooses among them.
"""

from __future__ import annotations

from labcore.builder.events import Warned
from labcore.builder.image_config import with_path
from labcore.builder.lint.check_options import CheckOptions
from labcore.builder.lint.file_rules import rules_of_from, rules_of_text
from labcore.builder.lint.lenient import expanded
from labcore.builder.lint.rules import RULES
from labcore.builder.lint.source import written
from labcore.builder.lint.stage_rules import StageChecker
from labcore.builder.stages import needed, stages_of
from labcore.builder.variables import Arguments, platform_arguments
from labcore.errors import InvalidInput
from labcore.images import Config
from labcore.spec import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from labcore.builder.parser.instructions import Dockerfile, From
    from labcore.builder.stages import Stage, Stages
    from labcore.options.dockerignore import Patterns


def check(
    dockerfile: Dockerfile,
    *,
    arguments: Sequence[tuple[str, str | None]] = (),
    target: str = "",
    ignored: Patterns | None = None,
    config_of: Callable[[str], Config | None] = lambda _: None,
) -> list[Warned]:
    """Return the warnings, by line; with a `target` those of the stages that it needs.

    `arguments` are those of `--build-arg`. `ignored` are the patterns of .dockerignore; with exceptions, they tell nothing of a
    directory. `config_of` returns an image's config, if it is known: it has variables, and may have a SHELL.
    Raises InvalidInput for options that cannot be read, and a target that is none.
    """
    options = CheckOptions.of(dockerfile, arguments)
    stages = stages_of(dockerfile)
    escape = dockerfile.directives.escape
    known = Arguments(arguments, platform_arguments(Platform.here(), target))
    for argument in stages.global_arguments:
        known.declare_global(argument, lambda word, variables: expanded(word, variables, escape))
    instructions = list(written(dockerfile))
    names = {each.instruction.location.line: each.name for each in instructions}
    found = {*rules_of_text(dockerfile, instructions), *rules_of_from(dockerfile, stages, known)}
    leaves_out = ignored.matches if ignored and not ignored.has_exceptions else None
    found.update(_of_stages(dockerfile, stages, known, names, target=target, ignored=leaves_out, config_of=config_of))
    wanted = [each for each in found if options.wants(RULES[each.rule])]
    return sorted(wanted, key=lambda each: (each.line, each.text))


def check_base(
    dockerfile: Dockerfile,
    base: From,
    image: str,
    *,
    actual: Platform,
    expected: Platform,
    arguments: Sequence[tuple[str, str | None]] = (),
) -> list[Warned]:
    """Return the warning of an image that is not of the platform that FROM is to have: the one rule that needs the image.

    Variants make no difference. Raises InvalidInput for options that cannot be read.
    """
    is_right = (actual.os, actual.architecture) == (expected.os, expected.architecture)
    if is_right or not CheckOptions.of(dockerfile, arguments).wants(RULES["InvalidBaseImagePlatform"]):
        return []
    text = f'Base image {image} was pulled with platform "{actual}", expected "{expected}" for current build'
    return [Warned(text, base.location.line, "InvalidBaseImagePlatform")]


def refuse(dockerfile: Dockerfile, warnings: Iterable[Warned], *, arguments: Sequence[tuple[str, str | None]] = ()) -> None:
    """Raise InvalidInput if there are warnings, and `# check=error=true` makes errors of them."""
    rules = sorted({each.rule for each in warnings})
    if rules and CheckOptions.of(dockerfile, arguments).is_error:
        raise InvalidInput(f"lint violation found for rules: {', '.join(rules)}")


def _of_stages(
    dockerfile: Dockerfile,
    stages: Stages,
    arguments: Arguments,
    names: Mapping[int, str],
    *,
    target: str,
    ignored: Callable[[str], bool] | None,
    config_of: Callable[[str], Config | None],
) -> Iterator[Warned]:
    escape = dockerfile.directives.escape
    images = [expanded(stage.base.image, arguments.before_from(), escape) for stage in stages.stages]
    bases = [stages.named(image, before=number) for number, image in enumerate(images)]
    reached = set(_reached(dockerfile, stages, bases, target))
    checkers: list[StageChecker] = []
    for stage, image, base in zip(stages.stages, images, bases, strict=True):
        config = with_path(config_of(image) or Config("", ()))
        checkers.append(StageChecker(arguments, escape, config, checkers[base.number] if base else None))
        said = checkers[-1].check(stage, names, ignored)
        yield from said if stage.number in reached else ()
        for _ in said:  # what is known behind a stage that is not wanted
            pass


def _reached(dockerfile: Dockerfile, stages: Stages, bases: Sequence[Stage | None], target: str) -> list[int]:
    if not target:
        return [stage.number for stage in stages.stages]
    return [stage.number for stage in needed(stages, stages.target(target), bases, dockerfile)]
