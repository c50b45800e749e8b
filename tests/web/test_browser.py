"""GraphiQL in a real Chromium, as somebody would use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import strawberry

from promptgraph.app import build
from promptgraph.config import load
from tests.browser import browser, served, watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

pytestmark = pytest.mark.browser
TIMEOUT_MS = 15_000
SPY = "https://elsewhere.example/spy.png"
KEY = "pg_s3cret_of_mine"
QUERY = ".graphiql-query-editor"
VARIABLES = "section[aria-label=Variables] .graphiql-editor:not(.hidden)"
HEADERS = "section[aria-label=Headers] .graphiql-editor:not(.hidden)"
RESPONSE = ".result-window"
SET_LABEL = """mutation($label: String!) {
  setPromptLabel(input: {name: "support/triage", label: $label, version: 2}) { errors { message } } }"""
FIRST_ANSWERS = [
    ("prompt", "My card was declined"),
    ("prompt", "@@"),
    ("agents", "support/triage@production"),
]
PROMPTS = Path(__file__).parents[2] / "prompts"


@strawberry.type(name="Query")
class Hostile:
    spy: str = strawberry.field(description=f"Harmless. ![]({SPY}) <script>alert(1)</script>")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The whole application on an empty database, with the prompts of this repository."""
    database = tmp_path_factory.mktemp("browser") / "registry.db"
    settings = load(database_url=f"sqlite:///{database}", prompts_dir=PROMPTS, mode="development")
    with served(build(settings)) as origin:
        yield origin


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def page(chrome: Browser, origin: str, troubles: list[str]) -> Iterator[Page]:
    """A page of a new profile; whatever goes wrong on it fails the test."""
    with chrome.new_context(viewport={"width": 1300, "height": 800}, base_url=origin) as context:
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        watch(page, origin, troubles)
        yield page
        assert [] == troubles


def opened(page: Page, **link: str) -> Page:
    """`page` at GraphiQL, once the schema is there."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.goto("/graphql" + (f"?{urlencode(link)}" if link else ""))
    page.locator(".graphiql-query-editor .CodeMirror").wait_for()
    return page


def typed(page: Page, editor: str, text: str) -> None:
    """Replaces what the editor holds."""
    page.locator(f"{editor} .CodeMirror").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def text_of(page: Page, editor: str) -> str:
    held: str = page.locator(f"{editor} .CodeMirror").evaluate("(element) => element.CodeMirror.getValue()")
    return held


def ran(page: Page) -> str:
    """The answer, once the query in the editor was run."""
    page.get_by_role("button", name="Execute").click()
    page.locator(RESPONSE).get_by_text(re.compile('"(data|errors)"')).first.wait_for()
    return text_of(page, RESPONSE)


def stored(page: Page, name: str, part: str) -> None:
    """Waits until GraphiQL has stored `part` under `name`: it does so half a second later."""
    page.wait_for_function(
        "([name, part]) => (localStorage.getItem(name) ?? '').includes(part)",
        arg=[f"promptgraph:graphiql:{name}", part],
    )


def posted(page: Page) -> list[Request]:
    """The operations that `page` sends from now on."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    return sent


def test_starts_with_queries_worth_running(page: Page) -> None:
    """A first visit finds three tabs; each runs as it stands, without an error."""
    opened(page)
    tabs = page.locator(".graphiql-tab-button")
    assert ["Triage", "Changes", "Agents"] == tabs.all_inner_texts()
    for tab, (field, part) in zip(tabs.all(), FIRST_ANSWERS, strict=True):
        tab.click()
        answer = json.loads(ran(page))
        assert "errors" not in answer
        assert part in json.dumps(answer["data"][field])


def test_runs_a_typed_query(page: Page) -> None:
    """A query typed into a new tab shows its answer."""
    opened(page).get_by_role("button", name="Add tab").click()
    typed(page, QUERY, "query Named($name: String!) { prompt(name: $name) { version } }")
    typed(page, VARIABLES, '{"name": "support/triage"}')
    assert {"data": {"prompt": {"version": 3}}} == json.loads(ran(page))


def test_follows_a_subscription_until_it_is_stopped(page: Page, origin: str, troubles: list[str]) -> None:
    """Each event is shown as it comes, under the page's policy; stopping ends the request."""

    def move(label: str) -> None:
        done = page.request.post("/graphql", data={"query": SET_LABEL, "variables": {"label": label}})
        assert [] == done.json()["data"]["setPromptLabel"]["errors"]

    opened(page).get_by_role("button", name="Add tab").click()
    typed(page, QUERY, "subscription { promptLabelMoved { label to { version } } }")
    with page.expect_response(lambda found: "event-stream" in found.headers["content-type"]):
        page.get_by_role("button", name="Execute").click()
    for label in ("first", "second"):
        move(label)
        page.locator(RESPONSE).get_by_text(f'"{label}"').wait_for()
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Stop").click()
    assert f"failed: {origin}/graphql" == troubles.pop()
    page.get_by_role("button", name="Execute").wait_for()


def test_explores_the_docs(page: Page) -> None:
    """The docs explorer opens on the schema and shows a field's description."""
    opened(page).get_by_role("button", name="Show Documentation Explorer").click()
    explorer = page.get_by_role("region", name="Documentation Explorer")
    explorer.get_by_role("link", name="Query", exact=True).click()
    explorer.get_by_role("link", name="promptAt").click()
    explorer.get_by_role("link", name="DateTime").wait_for()


def test_runs_nothing_of_a_description(page: Page, troubles: list[str]) -> None:
    """A picture in a description is not loaded; a script in it is text."""
    answer = {"data": strawberry.Schema(Hostile).introspect()}
    page.route(
        lambda url: url.endswith("/graphql"),
        lambda route, request: route.fulfill(json=answer) if request.method == "POST" else route.continue_(),
    )
    opened(page).get_by_role("button", name="Show Documentation Explorer").click()
    explorer = page.get_by_role("region", name="Documentation Explorer")
    explorer.get_by_role("link", name="Query", exact=True).click()
    explorer.get_by_text("<script>alert(1)</script>").wait_for()
    assert f"CSP: img-src {SPY}" in troubles
    assert [] == [trouble for trouble in troubles if SPY not in trouble]
    troubles.clear()


def test_link_fills_the_editors(page: Page) -> None:
    """?query= and ?variables= open a tab with them; nothing runs by itself."""
    opened(page, query="{ serverInfo { mode } }")
    sent = posted(page)
    query = "query ($n: String!) { prompt(name: $n) { id } } # <b>&amp;"
    opened(page, query=query, variables='{"n":"summarize/thread"}')
    assert (query, '{"n":"summarize/thread"}') == (text_of(page, QUERY), text_of(page, VARIABLES))
    assert ["IntrospectionQuery"] == [
        json.loads(request.post_data or "{}")["operationName"] for request in sent
    ]
    assert '"id"' in ran(page)


def test_link_with_broken_variables_still_opens(page: Page) -> None:
    """Variables that are no JSON are shown as they came."""
    opened(page, query="{ serverInfo { mode } }", variables="{oh no")
    assert "{oh no" == text_of(page, VARIABLES)


def test_tabs_survive_a_reload(page: Page) -> None:
    """What stands in the open tab is there again after a reload."""
    opened(page)
    typed(page, QUERY, "{ again: __typename }")
    stored(page, "tabState", "again: __typename")
    opened(page)
    assert "{ again: __typename }" == text_of(page, QUERY)
    assert {"data": {"again": "Query"}} == json.loads(ran(page))


def test_header_is_sent_and_never_kept(page: Page) -> None:
    """An Authorization header goes with the request, and into neither the storage nor the address."""
    opened(page)
    sent = posted(page)
    typed(page, QUERY, "{ keyed: __typename }")
    page.get_by_role("button", name="Headers").click()
    typed(page, HEADERS, json.dumps({"Authorization": f"Bearer {KEY}"}))
    assert '"keyed": "Query"' in ran(page)
    assert f"Bearer {KEY}" == sent[-1].all_headers()["authorization"]
    stored(page, "tabState", "keyed: __typename")
    stored(page, "queries", "keyed: __typename")
    page.get_by_role("button", name="Show History").click()
    page.locator(".graphiql-history-item-label", has_text="keyed").click()
    page.wait_for_timeout(1_000)  # longer than GraphiQL waits before it stores
    kept = page.evaluate("[{...localStorage}, {...sessionStorage}, document.cookie, location.href]")
    assert KEY not in json.dumps(kept)


@pytest.mark.parametrize("dialog", ["settings", "short keys"])
def test_dialogs_obey_the_policy(page: Page, dialog: str) -> None:
    """A dialog opens and closes without breaking the Content-Security-Policy; none offers to keep headers."""
    opened(page).get_by_role("button", name=f"Open {dialog} dialog").click()
    shown = page.get_by_role("dialog")
    shown.wait_for()
    assert "Persist headers" not in shown.inner_text()
    page.keyboard.press("Escape")
    shown.wait_for(state="hidden")


@pytest.mark.parametrize(("scheme", "brightness"), [("light", range(200, 256)), ("dark", range(80))])
def test_follows_the_colour_scheme(page: Page, scheme: Any, brightness: range) -> None:
    """The page is light or dark as the system is."""
    page.emulate_media(color_scheme=scheme)
    opened(page)
    colour = page.locator(".graphiql-container").evaluate(
        "(element) => getComputedStyle(element).backgroundColor"
    )
    assert all(int(part) in brightness for part in re.findall(r"\d+", colour)[:3]), colour


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 502, "body": "upstream is away"}, "answered 502 Bad Gateway, but not with JSON"),
        (None, "cannot be reached"),
    ],
    ids=["no JSON", "no answer"],
)
def test_says_what_is_wrong_with_the_server(
    page: Page, troubles: list[str], answer: dict[str, Any] | None, sentence: str
) -> None:
    """A server that is away, or a proxy's page instead of an answer, becomes a sentence."""
    opened(page)
    page.route("**/graphql", lambda route: route.fulfill(**answer) if answer else route.abort())
    typed(page, QUERY, "{ __typename }")
    assert sentence in ran(page)
    troubles.clear()  # the browser reports the status, or the missing answer, by itself
