"""CheckOptions: the directive `# check=skip=…;experimental=…;error=…`, or the build argument that takes its place."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, Self

    from labcore.builder.lint.rules import Rule
    from labcore.builder.parser.instructions import Dockerfile

ARGUMENT: Final = "BUILDKIT_DOCKERFILE_CHECK"
TRUE, FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
ALL: Final = "all"


class CheckOptions(Record):
    """Which rules are checked; with `is_error` a warning is one."""

    skipped: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    is_error: bool = False

    @classmethod
    def of(cls, dockerfile: Dockerfile, arguments: Sequence[tuple[str, str | None]] = ()) -> Self:
        """Return a Dockerfile's options: those of the build argument, if there is one. Raises InvalidInput."""
        return cls.parse(dict(arguments).get(ARGUMENT) or dockerfile.directives.check)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `skip=RULE,…;experimental=RULE,…;error=true`; `all` means each. Raises InvalidInput."""
        found: dict[str, frozenset[str]] = {}
        is_error = False
        for option in text.split(";") if text.strip() else ():
            name, equals, value = (part.strip() for part in option.partition("="))
            if not equals or name not in ("skip", "experimental", "error"):
                raise InvalidInput(f'invalid check option "{option}": there are skip=, experimental= and error=')
            if name != "error":
                found[name] = frozenset(rule.strip() for rule in value.split(","))
            elif value not in TRUE + FALSE:
                raise InvalidInput(f'failed to parse check option "{option}": error is true or false')
            else:
                is_error = value in TRUE
        return cls(found.get("skip", frozenset()), found.get("experimental", frozenset()), is_error)

    def wants(self, rule: Rule) -> bool:
        """Say whether a rule is checked."""
        if rule.experimental:
            return not self.experimental.isdisjoint({rule.name, ALL})
        return self.skipped.isdisjoint({rule.name, ALL})
