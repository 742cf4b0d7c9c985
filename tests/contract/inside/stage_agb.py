"""Where the methods of agbcloud-sdk are called: a client, and a session; one that has ended is followed by another."""

from pathlib import Path

from agb import AGB, CreateSessionParams, ExtensionsService
from agb.context import Context
from agb.modules.browser import BrowserFingerprintGenerator, BrowserOption
from agb.modules.browser.browser_agent import ActOptions, ExtractOptions, ObserveOptions
from agb.session import Session
from pydantic import BaseModel
from values import FILE, VALUES

WISH = CreateSessionParams(image_id="agb-code-space-1")
WITHOUT_LINK_URL = {"session.computer.screenshot", "session.computer.screen.capture"}
"""What the client itself refuses where it has the other way to take a screenshot."""


class Taken(BaseModel):
    """What is to be taken from a page."""

    title: str


VALUES.update(
    context=Context("SdkCtx-1", "some"),
    option=BrowserOption(),
    action_input=ActOptions("press"),
)
OF_ONE = {
    "AGB.create": {"more": {"params": WISH}},
    "AGB.context.get": {"more": {"name": "some"}},
    "session.command.execute": {"more": {"timeout_ms": 20_000}},
    "session.get_link": {"more": {"protocol_type": "https", "port": 30100}},
    "session.file.mkdir": {"path": f"{FILE}.d"},
    "session.file.list": {"path": "/tmp"},
    "session.file.search": {"path": "/tmp"},
    "session.file.watch_dir": {"path": "/tmp"},
    "session.browser.agent.observe": {"options": ObserveOptions("look")},
    "session.browser.agent.observe_async": {"options": ObserveOptions("look")},
    "session.browser.agent.extract": {"options": ExtractOptions("take", Taken)},
    "session.browser.agent.extract_async": {"options": ExtractOptions("take", Taken)},
}
"""Values for one method alone; `more` are arguments that it could do without."""


def unused():
    """The objects of a script that has asked nobody anything yet."""
    client = AGB(api_key="nobody")
    roots = {"AGB": client, "session": Session(client, "s-none")}
    return roots | {kind.__name__: kind.__new__(kind) for kind in (ExtensionsService, BrowserFingerprintGenerator)}


class Stage:
    def __init__(self):
        self.client = AGB()
        self.session = self.made()
        self.local = Path("extension.zip").absolute()
        self.local.write_bytes(b"PK")

    def root(self, name):
        if name == "ExtensionsService":
            return ExtensionsService(self.client, "extensions")
        return {"AGB": self.client, "session": self.session}[name]

    def given(self, path):
        """Values by name; the session lives, and the file that most methods are about is there."""
        if self.session.get_status().status != "RUNNING":
            self.session = self.made()
        session = self.session
        assert session.file.write(FILE, "text").success
        assert session.command.execute(f"rm -rf {FILE}.*", timeout_ms=20_000).success
        if path.startswith("session.browser."):
            session.browser._initialized = ".init" not in path  # as if it had not been refused
        session.link_url = "" if path in WITHOUT_LINK_URL else self.link_url
        own = {"session": session, "session_id": session.session_id}
        own |= dict.fromkeys(("local_path", "new_local_path"), str(self.local))
        return {**VALUES, **own, **OF_ONE.get(path, {})}

    def made(self):
        made = self.client.create(WISH)
        assert made.success, made.error_message
        self.link_url = made.session.link_url
        return made.session

    def close(self):
        self.client.delete(self.session)
