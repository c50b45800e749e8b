"""Whatever a file holds, there is an answer in words."""

from hypothesis import given
from hypothesis import strategies as st

from promptgraph.files.core import dump
from promptgraph.files.form import ExampleForm, MessageForm, PromptForm
from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree
from tests.files.samples import KEYS, VALUES_OF_ANY_KIND, WHOLE, parsed

FIELDS = {*PromptForm.model_fields, *MessageForm.model_fields, *ExampleForm.model_fields}
FORM_KEYS = (
    st.sampled_from([*sorted(FIELDS), "schema", "properties", "type", "required", "x-sensitive"]) | KEYS
)
FORM_TEXTS = st.sampled_from(
    ["1", "user", "none", "jinja", "{{ a }}", "{% include 'p.j2' %}", "object", "{{"]
)
FORM_VALUES = st.recursive(
    VALUES_OF_ANY_KIND | FORM_TEXTS | st.just(1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FORM_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(FORM_KEYS, FORM_VALUES, max_size=6),
    st.sampled_from(["a.prompt.yaml", "agents/a.agent.yaml", "labels.yaml"]),
)
def test_has_an_answer_to_any_mapping(value: dict[str, object], path: str) -> None:
    """Whatever a file holds, it is read or refused with words; nothing is raised."""
    tree = parsed({path: dump(value), "_partials/p.j2": "x"})  # type: ignore[arg-type]  # JSON by construction
    assert tree.prompts or tree.agents or tree.labels or tree.problems or path == "labels.yaml"


@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.text(max_size=5) | st.sampled_from(["\t", "- ", "{{", "'", '"', "&a ", "*a", "!!x ", "\n"]),
)
def test_has_an_answer_to_any_text(at: int, gone: int, put: str) -> None:
    """A file with a stretch replaced is read or refused with words."""
    raw = (WHOLE[:at] + put + WHOLE[at + gone :]).encode(errors="surrogatepass")
    tree = parse_tree([SourceFile("a.prompt.yaml", raw), SourceFile("_partials/tone.j2", b"{{ tone }}")])
    assert bool(tree.prompts) != bool(tree.errors)
