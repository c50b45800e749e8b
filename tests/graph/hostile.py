"""Documents that mean harm, of at most 64 KiB: much of one thing, nested, repeated, or wrong throughout."""

from __future__ import annotations

from collections.abc import Callable

from graphql import get_introspection_query
from hypothesis import strategies as st

MOST = 64 * 1024
Unit = Callable[[int], str]


def many(count: int, unit: str | Unit, start: str = "{", end: str = "}") -> str:
    """`unit` so many times, `#` in it standing for the number of each."""
    made = unit if callable(unit) else lambda number: unit.replace("#", str(number))
    return start + "".join(made(number) for number in range(count)) + end


def chain(count: int, body: str, last: str) -> str:
    """Fragments f0, f1, …: `#` in the body is the number of the next one."""
    steps = (f"fragment f{n} on Query{{{body.replace('#', str(n + 1))}}}" for n in range(count))
    return "".join(steps) + f"fragment f{count} on Query{{{last}}}"


def fan_out(levels: int) -> str:
    """2^levels fields when expanded."""
    return "{...f0}" + chain(levels, "...f# ...f#", "__typename")


def clique(count: int) -> str:
    """Fragments of which each spreads all later ones."""
    spreads = ["".join(f"...f{later} " for later in range(number + 1, count)) for number in range(count)]
    return "{...f0}" + many(count, lambda n: f"fragment f{n} on Query{{{spreads[n]}__typename}}", "", "")


def nested(levels: int, around: str, core: str) -> str:
    return around * levels + core + "}" * (levels * around.count("{"))


TYPES = "name fields{name args{name type{name ofType{name}}}}"
ROW = "{callId:1,model:[],startedAt:{},inputTokens:true}"

DOCUMENTS: dict[str, str] = {
    # much of one thing
    "10,000 aliases": many(10_000, "a:b "),
    "7,000 aliases": many(7_000, "a#:a "),
    "10,000 names": many(10_000, "a# "),
    "1,900 unknown names": many(1_900, "promp# "),
    "unknown long names": many(90, "prompts" * 40 + "# "),
    "unknown arguments": many(650, "nme#:1 ", "{prompt(", "){id}}"),
    "one argument again and again": many(650, 'name:"" ', "{prompt(", "){id}}"),
    "300 directives": many(300, "@skip(if:false)", "{__typename ", "}"),
    "50 directives": many(50, "@include(if:true)", "{__typename ", "}"),
    "unknown directives": many(50, "@a#(b:1)", "{__typename ", "}"),
    "400 operations": many(400, "query q#{__typename}", "", ""),
    "50 operations": many(50, "query q#{prompts{nodes{id name}}}", "", ""),
    "operations of one name": many(50, "query q{__typename}", "", ""),
    "mutations of nothing": many(50, "mutation m#{a}", "", ""),
    "490 variables": many(490, "$v#:Int ", "query(", "){__typename}"),
    "variables of no type": many(490, "$v#:Innt# ", "query(", "){__typename}"),
    "one variable again and again": many(490, "$v:Int ", "query(", "){__typename}"),
    "variables with wrong defaults": many(190, "$v#:PromptFilter={x:1} ", "query(", "){__typename}"),
    "variables from nowhere": many(900, "$v# ", "{nodes(ids:[", "]){id}}"),
    "definitions of types": many(240, "type A#{a:Int}", "", ""),
    "fields that are no leaves": many(30, "a#:prompts serverInfo{version{a}}"),
    "unknown conditions": many(90, "...on Promp#{a}"),
    "spreads of nothing": many(90, "...f# "),
    # values
    "a long text": '{node(id:"' + "x" * 32_000 + '"){id}}',
    "a long block": '{node(id:"""' + "  x\n" * 8_000 + '"""){id}}',
    "a block of quotes": '{node(id:"""' + '\\"""' * 8_000 + '"""){id}}',
    "a text of escapes": '{node(id:"' + "\\u0041" * 5_400 + '"){id}}',
    "a text of control characters": '{node(id:"' + "\\u0000" * 5_400 + '"){id}}',
    "a text of emoji": '{node(id:"' + "\U0001f600" * 16_000 + '"){id}}',
    "a long number": "{prompts(first:" + "9" * 32_000 + "){totalCount}}",
    "a long exponent": "{prompts(first:1e" + "9" * 32_000 + "){totalCount}}",
    "900 long numbers": many(900, "9" * 30 + " ", "{nodes(ids:[", "]){id}}"),
    "1,900 ids": many(1_900, '"x" ', "{nodes(ids:[", "]){id}}"),
    "100 ids": many(100, '"x" ', "{nodes(ids:[", "]){id}}"),
    "1,900 wrong ids": many(1_900, "1.5 ", "{nodes(ids:[", "]){id}}"),
    "900 objects for ids": many(900, "{} ", "{nodes(ids:[", "]){id}}"),
    "an object of unknown fields": many(630, "a#:1 ", "{prompts(filter:{", "}){totalCount}}"),
    "an object of one field": many(630, 'label:"" ', "{prompts(filter:{", "}){totalCount}}"),
    "an object for JSON": many(630, "a#:1 ", '{prompt(name:"a"){render(variables:{', "}){text}}}"),
    "wrong words": many(30, "a#:prompts(orderBy:{field:NAM direction:ASX}){totalCount}"),
    "empty rows": many(900, "{}", "mutation{recordLlmCalls(input:[", "]){recorded}}"),
    "misspelt rows": many(380, "{modl:1}", "mutation{recordLlmCalls(input:[", "]){recorded}}"),
    "wrong rows": many(90, ROW, "mutation{recordLlmCalls(input:[", "]){recorded}}"),
    "rows of a sync": many(900, "{}", "mutation{syncPrompts(input:{files:[", "]}){run{id}}}"),
    # depth
    "60,000 braces": "{" * 60_000,
    "60,000 brackets": "{node(id:" + "[" * 60_000,
    "60 levels": nested(60, "prompts{nodes{family{versions{nodes", "{id}") + "}",
    "deep values": '{prompt(name:"a"){render(variables:' + nested(58, "{a:", "1") + "){text}}}",
    "deep types": "query($a:" + "[" * 60 + "Int" + "]" * 60 + "){__typename}",
    "deep fragments": "{" + nested(60, "...on Query{", "__typename") + "}",
    # fragments
    **{f"fan-out 2^{levels}": fan_out(levels) for levels in (12, 18, 60, 150)},
    "a chain of fragments": "{...f0}" + chain(58, "...f#", "__typename"),
    "200 fragments side by side": many(200, "...f# ")
    + many(200, "fragment f# on Query{a#:__typename}", "", ""),
    "95 fragments side by side": many(95, "...f# ") + many(95, "fragment f# on Query{__typename}", "", ""),
    "a circle of fragments": "{...f0}"
    + many(58, lambda n: f"fragment f{n} on Query{{...f{(n + 1) % 58}}}", "", ""),
    "a circle below fields": "{...f0}"
    + many(58, lambda n: f"fragment f{n} on Query{{prompts{{nodes{{...f{(n + 1) % 58}}}}}}}", "", ""),
    "a fragment below its own fields": "{...f} fragment f on Query{a:prompts{nodes{...f}}b:prompts{...f}}",
    "a clique in circles": "{...f0}"
    + many(12, lambda n: f"fragment f{n} on Query{{{many(12, '...f# ', 'a{', '}')}}}", "", ""),
    "a clique of fragments": clique(40),
    "a small clique": clique(10),
    "one fragment again and again": "{...f}" + many(240, "fragment f on Query{__typename}", "", ""),
    "operations over a chain": many(50, "query q#{...f0}", "", "") + chain(50, "...f#", "__typename"),
    "variables over a chain": many(50, "query q#($v:ID!){...f0}", "", "")
    + chain(50, "...f#", many(29, "a#:node(id:$v){id}", "", "")),
    "undefined variables over a chain": many(50, "query q#{...f0}", "", "")
    + chain(30, "...f#", many(29, "a#:node(id:$v#){id}", "", "")),
    # the same over and over
    "one field again and again": many(99, "__typename "),
    "one page again and again": many(80, 'prompts(first:1,after:"a",filter:{label:"a"}){totalCount}'),
    "one page each time another": many(95, "a:prompts(first:#){totalCount}"),
    "large arguments again and again": many(
        18, many(60, "1 ", 'prompt(name:"a"){render(variables:{a:[', "]}){text}}"), "{", "}"
    ),
    "parts of many kinds": many(40, 'a:node(id:"#"){...on Prompt{x:name}...on Agent{x:description}}'),
    # the schema's own description
    "introspection": get_introspection_query(),
    "30 introspections": many(30, f"a#:__schema{{types{{{TYPES}}}}}"),
    "30 types": many(30, f'a#:__type(name:"LlmCall"){{{TYPES}}}'),
    "types of types": "{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}",
    "kinds of kinds": "{__schema{types{possibleTypes{fields{type{possibleTypes{fields{name}}}}}}}}",
    "30 names of all fields": many(30, "a#:name ", "{__schema{types{fields{", "}}}}"),
    "30 names of all arguments": many(30, "a#:name ", "{__schema{types{fields{args{", "}}}}}"),
    "fan-out over types": "{__schema{types{...f0}}}"
    + many(10, "fragment f# on __Type{ofType{...f!}fields{type{...f!}}}", "", "").replace("!", "10")
    + "fragment f10 on __Type{name}",
    # what is skipped
    "60,000 commas": many(60_000, ",", "{__typename", "}"),
    "32,000 commas": many(32_000, ",", "{__typename", "}"),
    "16,000 comments": "{__typename" + "#\n" * 16_000 + "}",
    "a long name": "{" + "a" * 32_000 + "}",
    "a long argument": "{prompts(" + "a" * 32_000 + ":1){totalCount}}",
    "a long spread": "{..." + "a" * 32_000 + "}",
    "a long condition": "{...on " + "a" * 32_000 + "{a}}",
    "marks": "\ufeff" * 32_000 + "{__typename}",
    "half characters": "{" + "\ud800" * 32_000 + "}",
}

LEAVES = [
    "__typename ", "a#:__typename ", "id ", "name ", "b#:name ", "nope# ", "...f# ", "...f0 ", "totalCount ",
    "id @skip(if:false) ", "version(a:$v) ", 'node(id:"#"){id} ', "prompts(first:100){nodes{id}} ",
    'prompt(name:"a",version:#){id} ', "metrics{calls} ", 'nodes(ids:["a","b","c"]){id} ',
    'a#:__type(name:"Prompt"){name} ', "prompts(filter:{tagsAll:[a b c] nope:1}){totalCount} ",
]  # fmt: skip
AROUND = [
    "prompts{nodes{", "prompts(first:100){edges{node{", "llmCalls(last:100){nodes{", "...on Query{", "...{",
    "...on Prompt{", 'x:prompt(name:"a"){', "y#:agents{nodes{prompts{nodes{", "__schema{types{fields{",
    "__schema{types{", "type{fields{args{type{", "ofType{", "serverInfo{", "family{versions{nodes{",
    'metrics(window:{last:"P30D"}){series(bin:HOUR){',
]  # fmt: skip


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    times = st.sampled_from([1, 1, 1, 1, 2, 3, 10, 30])

    def made(parts: tuple[str, list[str], int]) -> str:
        start, below, count = parts
        unit = start + "".join(below) + "}" * start.count("{")
        return many(min(count, MOST // len(unit) + 1), unit, "", "")

    return st.tuples(st.sampled_from(AROUND), st.lists(inner, min_size=1, max_size=3), times).map(made)


def documents() -> st.SearchStrategy[str]:
    """Documents made of parts of our schema, some of them many times over, with fragments and operations."""
    times = st.sampled_from([1, 1, 1, 2, 10, 30, 100])
    leaves = st.tuples(st.sampled_from(LEAVES), times).map(lambda found: many(found[1], found[0], "", ""))
    selections = st.recursive(leaves, _around, max_leaves=8)
    kinds = st.sampled_from(["Query", "Query", "Prompt", "__Type"])
    fragments = st.lists(st.tuples(kinds, selections), max_size=5)
    operations = st.lists(
        st.tuples(st.sampled_from(["query", "query", "mutation"]), selections, times), max_size=1
    )

    def made(parts: tuple[str, list[tuple[str, str]], list[tuple[str, str, int]]]) -> str:
        body, spread, more = parts
        used = "".join(f"...on {kind}{{...f{number}}}" for number, (kind, _) in enumerate(spread))
        whole = [f"query q{{{used}{body}}}"]
        whole += [f"fragment f{number} on {kind}{{{own}}}" for number, (kind, own) in enumerate(spread)]
        whole += [
            many(min(count, MOST // len(own) + 1), f"{kind} o#{{{own}}}", "", "") for kind, own, count in more
        ]
        return "".join(whole)[:MOST]

    return st.tuples(selections, fragments, operations).map(made)
