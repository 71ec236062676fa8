"""Serving others: a login from a file of hashed passwords, and to everybody their own tabs and files, over real HTTP."""

import http.client
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.calling import PATIENCE, Caller
from tests.serving import served
from tests.test_planner_served import GOOD, completion, serving
from tests.visiting import NEEDS_CHROMIUM, SKIMAGE, Visit, expect
from ui.accounts import TRIES, Accounts, account, change
from ui.gate import MAX_UPLOAD
from ui.server import run
from ui.terminal import RefusedError

PASSWORD = "correct horse"


# The file of users


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("users") / "users.json"
    change(file, "anna", account(PASSWORD, admin=True))
    change(file, "ben", account("another password"))
    return file


def test_only_the_right_password_of_a_known_name_is_let_in(users: Path) -> None:
    import asyncio

    people = Accounts(users)
    tried = [("anna", PASSWORD), ("anna", "another password"), ("nobody", PASSWORD), ("anna", ""), ("ben", "x" * 5000)]
    assert [asyncio.run(people.check(*each)) for each in tried] == [True, False, False, False, False]
    assert people.is_admin("anna")
    assert not people.is_admin("ben")
    assert not people.is_admin("nobody")
    assert users.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in users.read_text()


def test_guessing_has_to_wait_and_the_file_is_read_again(tmp_path: Path) -> None:
    import asyncio

    file = tmp_path / "users.json"
    change(file, "cleo", account(PASSWORD))
    people = Accounts(file)
    for _ in range(TRIES):
        assert not asyncio.run(people.check("cleo", "wrong"))
    assert not asyncio.run(people.check("cleo", PASSWORD)), "for a while not even the right one"
    change(file, "dora", account(PASSWORD))
    assert asyncio.run(people.check("dora", PASSWORD))
    change(file, "dora", None)
    assert not asyncio.run(people.check("dora", PASSWORD))
    with pytest.raises(RefusedError, match="no user"):
        change(file, "dora", None)


def test_a_bad_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    with pytest.raises(RefusedError, match="burnish user add"):
        Accounts(file)
    file.write_text('{"users": {"anna": "secret"}}')
    file.chmod(0o600)
    with pytest.raises(RefusedError, match="not a file of Burnish users"):
        Accounts(file)
    file.chmod(0o644)
    with pytest.raises(RefusedError, match="chmod 600"):
        Accounts(file)
    with pytest.raises(RefusedError, match="8 to"):
        account("short")
    for name in ("", " anna", "a\nb", "x" * 81):
        with pytest.raises(RefusedError, match="name"):
            change(tmp_path / "others.json", name, account(PASSWORD))


def test_strangers_are_not_served_without_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURNISH_HOME", str(tmp_path / "home"))
    with pytest.raises(RefusedError, match="--auth"):
        run("0.0.0.0", 0, browser=False)
    empty = tmp_path / "users.json"
    change(empty, "anna", account(PASSWORD))
    change(empty, "anna", None)
    with pytest.raises(RefusedError, match="Nobody may log in"):
        run("127.0.0.1", 0, browser=False, auth=empty)
    assert not (tmp_path / "home" / "cache").exists()


# Over HTTP


def test_an_upload_is_its_senders_alone(address: str) -> None:
    anna, ben, nobody = Caller(address), Caller(address), Caller(address, visits=False)
    status, (mine,) = anna.upload(b"anna's photo")
    assert status == 200
    assert anna.file(mine) == 200
    assert ben.file(mine) == 403
    assert nobody.file(mine) == 403
    # Nor as the input of an event, by whatever name it is asked for.
    named = [{"path": mine, "meta": {"_type": "gradio.FileData"}}]
    event = {"data": [None, "ben", {"deep": named}], "fn_index": 0, "session_hash": ben.tab}
    assert ben.post("/gradio_api/queue/join", event) == 403
    assert ben.post("/gradio_api/queue/join?x=1", {**event, "data": [{"path": "http://127.0.0.1:9/a.jpg"}]}) == 403
    # The same bytes sent by both are both's.
    assert ben.upload(b"anna's photo")[1] == [mine]
    assert ben.file(mine) == 200
    assert nobody.upload(b"a stranger's")[0] == 403


def test_a_tab_is_its_openers_alone(address: str) -> None:
    anna, ben = Caller(address), Caller(address)
    body = {"data": [], "event_data": None, "fn_index": 0, "session_hash": anna.tab, "event_id": "1"}
    assert anna.post("/gradio_api/cancel", body) == 200
    for path in ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/component_server"):
        assert ben.post(path, {**body, "component_id": 1, "fn_name": "x"}) == 403, path
    for path in (
        "/gradio_api/queue/data?session_hash={}",
        "/gradio_api/heartbeat/{}",
        "/gradio_api/stream/{}/1/1/a.m3u8",
    ):
        assert ben.ask("GET", path.format(anna.tab))[0] == 403, path
    for tab in ("", "../x", "a" * 500, ["a"], None, {"a": 1}):
        assert ben.post("/gradio_api/queue/join", {**body, "session_hash": tab}) == 403, tab


#: Ways to ask for a file, by a route that serves files.
ROUTES = ("/gradio_api/file=", "/gradio_api/file/", "/file=", "/file/")

#: Ways to write a path that leads into another visitor's folder of the cache.
INTO = ("{path}", "{inside}", "./{inside}", "{cache}/c-x/../{inside}", "{cache}//{inside}", "c-{owner}-/../{inside}")


def opened(by: Caller, example: int = 0) -> list[str]:
    """The files that an example photo, once opened, shows of itself."""
    page = json.dumps(by.event("examples", "select", [None, "somebody"], {"index": example, "value": None}))
    paths = sorted({*re.findall(r'"path": "([^"]*/c-[^"]*)"', page)})
    assert paths
    return paths


def test_what_one_was_shown_is_nobody_elses(address: str, home: Path) -> None:
    cache = next((home / "cache").glob("app-*"))
    anna, ben = Caller(address), Caller(address)
    path = opened(anna)[0]
    owner = Path(opened(ben)[0]).parent.name.split("-")[1]
    for form in INTO:
        asked = form.format(path=path, inside=Path(path).relative_to(cache), cache=cache, owner=owner)
        for route in ROUTES:
            for written in (quote(asked), quote(asked).replace(".", "%2e").replace("/", "%2f"), quote(quote(asked))):
                for method in ("GET", "HEAD"):
                    assert ben.ask(method, route + written)[0] in (403, 404), (route, written)
    assert anna.file(path) == 200


def test_a_photo_may_be_opened_before_the_page_has_arrived(address: str) -> None:
    """On a busy machine a click is quicker than the first answer; what it opens is the tab's all the same."""
    quick, other = Caller(address), Caller(address)
    for path in opened(quick):
        assert quick.file(path) == 200
        assert other.file(path) == 403


def test_eight_people_at_once_are_all_served(address: str) -> None:
    def visits(number: int) -> tuple[str, list[int]]:
        person = Caller(address)
        paths = opened(person, number % 4)
        turn = json.dumps(person.event("box", "submit", [None, [], f"warmer by {10 + number}"], then=1))
        shown = sorted({*re.findall(r'"path": "([^"]*/c-[^"]*)"', turn)})
        assert len(shown) > len(paths)
        return turn, [person.file(path) for path in shown]

    with ThreadPoolExecutor(8) as people:
        made = list(people.map(visits, range(8)))
    for number, (turn, served_) in enumerate(made):
        assert f"+{10 + number}, measured" in turn, "everybody's own answer"
        assert set(served_) == {200}


def test_events_that_follow_each_other_are_answered_in_one_stream(address: str) -> None:
    """Its end and the next event cross on their way on a busy day; neither may get lost."""
    anna = Caller(address)
    connection = http.client.HTTPConnection(anna.netloc, timeout=PATIENCE)
    anna.begin("export-format", "input", ["PNG"])
    connection.request("GET", f"/gradio_api/queue/data?session_hash={anna.tab}", headers={"Cookie": anna.cookie})
    stream = connection.getresponse()
    ended = 0
    for line in stream:
        if b'"msg":"process_completed"' in line:
            ended += 1
            if ended < 4:
                anna.begin("export-format", "input", ["JPEG"])
        assert b"close_stream" not in line or ended == 4
    connection.close()
    assert ended == 4


def test_no_request_is_made_for_others(address: str) -> None:
    anna = Caller(address)
    for path in (
        "/gradio_api/file=http://127.0.0.1:9/a", "/gradio_api/file=https://example.com/a", "/gradio_api/proxy=http://x/y",
        "/gradio_api/file=//example.com/a", "/gradio_api/deep_link?session_hash=a", "/?deep_link=a",
    ):  # fmt: skip
        assert anna.ask("GET", path)[0] == 403, path


def test_a_page_elsewhere_cannot_let_its_name_lead_here(address: str) -> None:
    anna = Caller(address)
    assert anna.ask("GET", "/", Host="evil.example")[0] == 403
    assert anna.ask("GET", "/config", Host=f"evil.example:{urlsplit(address).port}")[0] == 403
    assert anna.ask("GET", "/", Host=f"localhost:{urlsplit(address).port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "{home}/history.sqlite3", "{home}/settings.json", "{home}/memory/preferences.sqlite3",
        "{cache}/../../history.sqlite3", "{cache}/c-x/../../../server.log", "../../history.sqlite3", "{cache}", "{cache}/",
        "{cache}/.", "{cache}/../{name}/../../server.log", "c-/../../../server.log", "{cache}\0/x", "~/.bashrc",
    ],
)  # fmt: skip
def test_no_traversal_leads_out(address: str, home: Path, path: str) -> None:
    cache = next((home / "cache").glob("app-*"))
    anna = Caller(address)
    asked = path.format(home=home, cache=cache, name=cache.name)
    for route in (*ROUTES, "/assets/", "/static/", "/svelte/"):
        for form in (quote(asked), quote(quote(asked)), quote(asked).replace(".", "%2e").replace("/", "%2f")):
            status, body, _ = anna.ask("GET", route + form)
            assert status in (403, 404), (route, form)
            assert b"root:" not in body
            assert b"SQLite" not in body


def test_too_much_is_refused_before_it_is_read(address: str) -> None:
    anna = Caller(address)
    connection = http.client.HTTPConnection(anna.netloc, timeout=60)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Cookie", anna.cookie)
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(MAX_UPLOAD + (2 << 20)))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"200 MB" in answer.read()
    connection.close()
    body = {"data": ["x" * (17 << 20)], "fn_index": 0, "session_hash": anna.tab}
    assert anna.post("/gradio_api/queue/join", body) == 413


# In the browser


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, users: Path) -> Iterator[str]:
    """An app that asks for a login."""
    with served(tmp_path_factory.mktemp("guarded"), "--auth", str(users)) as address:
        yield address


class Guest(Visit):
    """A tab that is asked for a name and a password first."""

    password = PASSWORD

    def enters(self) -> None:
        # A wrong password is answered with 400, which the browser notes; nothing else may be.
        self.logs_in("not the password")
        expect(self.page.get_by_text("Incorrect")).to_be_visible()
        assert all("400" in complaint for complaint in self.complaints), self.complaints
        self.complaints.clear()
        self.logs_in(self.password)

    def logs_in(self, password: str) -> None:
        self.page.locator("input").nth(0).fill(self.name)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Login").click()


class Anna(Guest):
    name = "anna"


class Ben(Guest):
    name, password = "ben", "another password"


@NEEDS_CHROMIUM
def test_two_people_log_in_and_see_nothing_of_each_other(browser: Any, guarded: str) -> None:
    for path in ("/config", "/gradio_api/info", f"/gradio_api/queue/data?session_hash={'a' * 11}"):
        assert Caller(guarded).ask("GET", path)[0] == 401, path
    anna = Anna(browser, guarded)
    expect(anna.page.locator("#profile input")).to_have_value("anna")
    expect(anna.page.locator("#profile input")).to_be_disabled()
    anna.open_example("Coffee")
    anna.say("warmer")
    anna.versions(2)
    anna.page.locator("#like").click()
    expect(anna.page.locator("#strip button").nth(1)).to_contain_text("♥")
    picture = anna.page.locator("#slider img").first.get_attribute("src")
    assert picture
    assert anna.page.request.get(picture).ok

    ben = Ben(browser, guarded)
    expect(ben.page.locator("#profile input")).to_have_value("ben")
    assert ben.page.request.get(picture).status == 403
    expect(ben.page.locator("#recent")).not_to_be_visible()
    ben.page.get_by_role("tab", name="My taste").click()
    expect(ben.page.locator("#nothing")).to_be_visible()
    expect(ben.page.locator("#taste-profile")).not_to_be_visible()
    # Settings hold for everybody: they are anna's, who runs this.
    expect(anna.page.get_by_role("tab", name="Settings")).to_be_visible()
    expect(ben.page.get_by_role("tab", name="Settings")).to_have_count(0)
    ben.close()

    # After logging out the same browser is nobody, also for what it was shown before.
    anna.page.locator("#logout").click()
    expect(anna.page.get_by_role("button", name="Login")).to_be_visible()
    assert anna.page.request.get(picture).status in (401, 403)
    anna.complaints.clear()
    anna.close()


@NEEDS_CHROMIUM
def test_a_server_is_tested_and_kept_on_the_settings_page(visit: Visit, home: Path) -> None:
    page = visit.page
    warmer = {**GOOD, "edits": [{"region": "global", "attribute": "temperature", "direction": 1, "amount": "small"}]}
    with serving(lambda handler, _: completion(handler, json.dumps(warmer))) as (url, asked):
        page.get_by_role("tab", name="Settings").click()
        page.locator("#planner label", has_text="A server").click()
        told = page.locator("#llm-told")
        page.locator("#llm-url textarea, #llm-url input").fill("http://127.0.0.1:9/v1")
        page.locator("#llm-test").click()
        expect(told).to_contain_text("cannot be reached")
        page.locator("#llm-url textarea, #llm-url input").fill(url)
        page.locator("#llm-key input").fill("a secret key")
        page.locator("#llm-test").click()
        expect(told).to_contain_text(re.compile("tiny understood “a bit warmer” in .* s"))
        assert len(asked) == 1
        page.locator("#llm-keep").click()
        expect(told).to_contain_text("from now on")
        kept = home / "settings.json"
        assert json.loads(kept.read_text())["llm_url"] == url
        assert kept.stat().st_mode & 0o777 == 0o600
        # The key is kept, and never sent to a browser again.
        visit.reload()
        page.get_by_role("tab", name="Settings").click()
        expect(page.locator("#llm-url textarea, #llm-url input")).to_have_value(url)
        expect(page.locator("#llm-key input")).to_have_value("")
        assert "a secret key" not in page.content()
        # The next turn is planned there.
        page.get_by_role("tab", name="Retouch").click()
        visit.open_example("Coffee")
        visit.say("as on a late summer evening")
        visit.versions(2)
        assert len(asked) > 1
        page.get_by_role("tab", name="Settings").click()
        page.locator("#planner label", has_text="Built in").click()
        page.locator("#llm-keep").click()
        expect(told).to_contain_text("Burnish itself")
    assert json.loads(kept.read_text()) == {}
    page.locator("#segmenter input").click()
    page.get_by_role("option", name=re.compile("SegFormer")).click()
    expect(page.locator("#segmenter-told")).to_contain_text("cannot be used yet")
    page.locator("#artist input").click()
    page.get_by_role("option", name=re.compile("InstructPix2Pix")).click()
    expect(page.locator("#artist-told")).to_contain_text("hf download timbrooks/instruct-pix2pix")
    assert json.loads(kept.read_text()) == {}
    assert (SKIMAGE / "coffee.png").is_file()
