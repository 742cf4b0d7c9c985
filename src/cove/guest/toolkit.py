"""`@tool`: a typed, documented function is a tool. Its signature gives the schemas and checks the arguments."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec

from cove.core.errors import InvalidToolArguments
from cove.core.tool import AnsweredBy, Tool

P = ParamSpec("P")
R = TypeVar("R", bound=msgspec.Struct)


class ToolFunction(Generic[P, R]):
    """A function with what the world needs to know to call it by name.

    Its first parameter is the `Run`; all others are keyword-only arguments of the tool, with `msgspec.Meta` for ranges
    and descriptions. It returns a struct of `core.results` and raises `failures.failed(...)`. With `as_user` it runs in
    a child that has the rights of the sandbox's user, and must keep no state.
    """

    def __init__(self, function: Callable[P, R], *, server: str, example: dict[str, Any], **traits: Any) -> None:
        self.function = function
        self.name = function.__name__
        self.family = function.__module__.rpartition(".")[2]
        self.server = server
        self.example = example
        self.imports: tuple[str, ...] = traits.get("imports", ())
        self.as_user: bool = traits.get("as_user", False)
        self.answered_by: AnsweredBy = traits.get("answered_by", AnsweredBy.GUEST)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function as it is, without checks."""
        return self.function(*args, **kwargs)

    @cached_property
    def arguments(self) -> type[msgspec.Struct]:
        """The arguments as a struct, made from the signature."""
        types = {k: v for k, v in self.function.__annotations__.items() if k not in {"run", "return"}}
        defaults = getattr(self.function, "__kwdefaults__", None) or {}
        fields = [(k, v, defaults[k]) if k in defaults else (k, v) for k, v in types.items()]
        return msgspec.defstruct(f"{self.name}_arguments", fields, kw_only=True, forbid_unknown_fields=True)

    def check(self, arguments: Any) -> dict[str, Any]:
        """Keyword arguments for the function, converted to its types; raises InvalidToolArguments."""
        try:
            checked = msgspec.convert(arguments, self.arguments)
        except (msgspec.ValidationError, RecursionError) as error:
            raise InvalidToolArguments(tool=self.name, reason=str(error)) from error
        return {name: getattr(checked, name) for name in self.arguments.__struct_fields__}

    def describe(self) -> Tool:
        """The tool's entry in the catalogue."""
        return Tool(
            name=self.name,
            family=self.family,
            server=self.server,
            description=_paragraphs(self.function.__doc__ or ""),
            input_schema=schema_of(self.arguments) | {"additionalProperties": False},
            output_schema=schema_of(self.function.__annotations__["return"]),
            example=self.example,
            answered_by=self.answered_by,
        )


def tool(
    *,
    server: str,
    example: dict[str, Any],
    as_user: bool = False,
    imports: tuple[str, ...] = (),
    answered_by: AnsweredBy = AnsweredBy.GUEST,
) -> Callable[[Callable[P, R]], ToolFunction[P, R]]:
    """Make the decorated function a tool of the family that its module is named after.

    `server` is AgentBay's name for the family. `example` is a set of arguments that works in a fresh session in which
    the examples of the tools before it in the catalogue have been run, in order.
    `imports` names modules that the function imports itself, since they are slow to import and seldom used: the guest
    imports them before it makes the child, which has not the right to, perhaps, and would do it again at each call.
    """
    traits: dict[str, Any] = {"as_user": as_user, "imports": imports, "answered_by": answered_by}
    return lambda function: ToolFunction(function, server=server, example=example, **traits)


def schema_of(struct: type) -> dict[str, Any]:
    """A struct's JSON schema with nothing referred to: MCP clients want an object at the top.

    >>> from cove.core.results import PathDone
    >>> schema_of(PathDone)["properties"]
    {'path': {'type': 'string'}}
    """
    (top,), definitions = msgspec.json.schema_components([struct], ref_template="{name}")
    schema: dict[str, Any] = _inlined(top, definitions)
    schema.pop("title", None)
    return schema


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"]], definitions)
    return {key: _inlined(value, definitions) for key, value in node.items()}


def _paragraphs(docstring: str) -> str:
    paragraphs = docstring.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
