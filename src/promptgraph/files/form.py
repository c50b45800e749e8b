"""The forms that prompt, agent and label files fill in. What a key means is said here, for editors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import NullableSchema, WithDefaultSchema

from promptgraph.domain.call import ContentState
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.prompt import Engine, MessageRole
from promptgraph.files.core import is_null
from promptgraph.files.node import Map, Node, Scalar, Seq
from promptgraph.files.typed import (
    Choice,
    FreeObject,
    LabelKey,
    Level,
    Listed,
    Mapped,
    Name,
    NameKey,
    RoleKey,
    SelectorText,
    SmallObject,
    SomeText,
    Tag,
    Text,
    VariableName,
    Version,
)

MAX_DESCRIPTION = 2_000
MAX_MODEL = 200
MAX_TAGS = 32
MAX_MESSAGES = 100

MAX_ROLES, MAX_ASSIGNMENTS = 100, 100


class Form(BaseModel):
    """A mapping with known keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InputForm(Form):
    """The variables that the templates take."""

    schema_: FreeObject = Field(
        default_factory=dict,
        alias="schema",
        description="JSON Schema (draft 2020-12) of the variables: type: object, required, properties. "
        "`x-sensitive: true` on a variable keeps its values out of every store.",
    )
    default: FreeObject = Field(
        default_factory=dict, description="Values of variables that a caller may leave out."
    )


class OutputForm(Form):
    """What the model should answer with."""

    schema_: FreeObject = Field(alias="schema", description="JSON Schema (draft 2020-12) of the answer.")


class RecordForm(Form):
    """What is stored of calls of this prompt. The server's own setting may be stricter, and then counts."""

    variables: Level = Field(default=ContentState.FULL, description="What is stored of the variables.")
    output: Level = Field(default=ContentState.FULL, description="What is stored of the output.")
    metadata: Level = Field(default=ContentState.FULL, description="What is stored of the metadata.")


class MessageForm(Form):
    """One message: a role with content or parts, or a place for the conversation so far."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [key]} for key in ("content", "parts", "placeholder")]}
    )

    role: Annotated[MessageRole, Choice] | None = Field(None, description="Who speaks.")
    content: SomeText | None = Field(
        None, description="The text: a Jinja template over the variables. Write it as a block: `content: |`."
    )
    parts: Annotated[list[FreeObject], Listed] | None = Field(
        None,
        min_length=1,
        description="Parts in place of a text, for images and files: mappings with a `type`; every other "
        "text in them is a template.",
    )
    placeholder: VariableName | None = Field(
        None, description="A variable that holds messages; they are put here."
    )


class ExampleForm(Form):
    """An example that `promptgraph check` renders."""

    input: FreeObject = Field(default_factory=dict, description="Values of the variables.")
    contains: Annotated[list[SomeText], Listed] = Field([], description="Words that the rendered text holds.")
    excludes: Annotated[list[SomeText], Listed] = Field([], description="Words that it does not hold.")


class PromptForm(Form):
    """One version of a prompt: NAME.prompt.yaml, or NAME@2.prompt.yaml for an older one."""

    model_config = ConfigDict(
        title="Prompt file",
        json_schema_extra={"oneOf": [{"required": ["messages"]}, {"required": ["template"]}]},
    )

    version: Version = Field(description="A whole number; raise it whenever the content changes.")
    description: Text | None = Field(None, max_length=MAX_DESCRIPTION, description="What the prompt is for.")
    model: SomeText | None = Field(
        None, max_length=MAX_MODEL, description="The model that it was written for; callers may use another."
    )
    config: FreeObject = Field(default_factory=dict, description="Settings for the model, as temperature.")
    input: Annotated[InputForm, Mapped] = Field(
        default_factory=InputForm, description="The variables that the templates take."
    )
    output: Annotated[OutputForm, Mapped] | None = Field(
        None, description="What the model should answer with."
    )
    messages: Annotated[list[Annotated[MessageForm, Mapped]], Listed] | None = Field(
        None, min_length=1, max_length=MAX_MESSAGES, description="The messages, in the order they are sent."
    )
    template: SomeText | None = Field(None, description="Short for one user message with this content.")
    engine: Annotated[Engine, Choice] = Field(
        Engine.JINJA, description="jinja renders the text as templates; none keeps it verbatim."
    )
    tools: Annotated[list[FreeObject], Listed] = Field([], description="Tools offered to the model.")
    tags: Annotated[list[Tag], Listed] = Field([], max_length=MAX_TAGS, description="Words to find it by.")
    metadata: SmallObject = Field(default_factory=dict, description="Whatever else your team wants to keep.")
    record: Annotated[RecordForm, Mapped] = Field(
        default_factory=RecordForm,
        description="What is stored of its calls: full, hashed or none of variables, output and metadata.",
    )
    formerly: Annotated[list[Name], Listed] = Field(
        [], description="Names that it had before: what refers to them follows."
    )
    tests: Annotated[list[Annotated[ExampleForm, Mapped]], Listed] = Field(
        [], description="Examples that `promptgraph check` renders."
    )


class AssignmentForm(Form):
    """One way an agent uses a prompt."""

    prompt: SelectorText = Field(description="name@label, name@2, or name for the latest version.")
    when: SmallObject = Field(
        default_factory=dict, description="Circumstances that must all hold; a list means any of its values."
    )
    metadata: SmallObject = Field(default_factory=dict, description="Whatever else your team wants to keep.")


class _Shorthand:
    """Tells editors that a selector alone, or one assignment without its list, will do."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        long = handler(schema)
        one = [{"type": "string"}, long["items"]]
        return {"anyOf": [*one, {"type": "array", "minItems": 1, "items": {"anyOf": one}}]}


def _assignments(node: Node) -> list[Node]:
    """The long form of a role: a list of mappings."""
    return [_assignment(item) for item in (node if isinstance(node, Seq) else [node])]


def _assignment(node: Node) -> Node:
    if not isinstance(node, Scalar) or is_null(node):
        return node
    long = Map(node.start, flow=True)
    long[Scalar("prompt", "", node.start, node.start)] = node
    return long


class AgentForm(Form):
    """An agent and the prompts that it uses: agents/NAME.agent.yaml."""

    model_config = ConfigDict(title="Agent file")

    description: Text | None = Field(None, max_length=MAX_DESCRIPTION, description="What the agent does.")
    prompts: Annotated[
        dict[
            RoleKey,
            Annotated[
                list[Annotated[AssignmentForm, Mapped]],
                Field(min_length=1, max_length=MAX_ASSIGNMENTS),
                BeforeValidator(_assignments),
                _Shorthand(),
            ],
        ],
        Mapped,
    ] = Field(
        default_factory=dict,
        max_length=MAX_ROLES,
        description="By role: a selector, or a list of them, the first fit wins.",
    )


class LabelsForm(RootModel[dict[LabelKey, Annotated[dict[NameKey, Version], Mapped]]]):
    """Which version each label points to: label, prompt name, version. Moving a label is promotion."""

    model_config = ConfigDict(title="Label file", frozen=True)


class _EditorSchema(GenerateJsonSchema):
    """JSON Schema as editors like it: no titles per key, no defaults, no null where a key is left out."""

    schema_dialect = "http://json-schema.org/draft-07/schema#"

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # pydantic's signature
        return False

    def nullable_schema(self, schema: NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        for part in made.get("$defs", {}).values():
            part.pop("title")  # a class name tells an author nothing
        return {"$schema": self.schema_dialect} | made


_FORMS: dict[str, type[BaseModel]] = {"prompt": PromptForm, "agent": AgentForm, "labels": LabelsForm}


def json_schemas() -> dict[str, JsonObject]:
    """The JSON Schema of every form, by file name: what the folder schema/ holds, for editors."""
    return {
        f"{name}.schema.json": form.model_json_schema(schema_generator=_EditorSchema)
        for name, form in _FORMS.items()
    }
