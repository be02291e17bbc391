"""Templates of `--format`: Go's text/template (pkg.go.dev/text/template), with the functions of docker's command.

`parse(text)` returns a Template, `Template.render(value)` its output for one value. Values are JSON's, and `Struct`s, whose
names are fixed. Not here: `define`, `template`, `block`, `call`, and the functions that escape for browsers. Nothing is read,
written or imported by a template, and all of it has bounds.

Reading order: lexer, nodes, parser, evaluation; values and printing are Go's; functions.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.template.errors import TemplateError
    from labcore.cli.template.evaluation import Template, parse
    from labcore.cli.template.values import Row, Struct

__all__ = ["Row", "Struct", "Template", "TemplateError", "parse"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.cli.template.errors": ("TemplateError",),
        "labcore.cli.template.evaluation": ("Template", "parse"),
        "labcore.cli.template.values": ("Row", "Struct"),
    },
)


def __dir__() -> list[str]:
    return __all__
