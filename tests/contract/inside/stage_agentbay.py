"""Where methods of wuying-agentbay-sdk are called: a client, and a session; one that has ended has a successor."""

from pathlib import Path

from agentbay import (
    AgentBay,
    BrowserFingerprintGenerator,
    BrowserOption,
    ContextSync,
    ExtensionsService,
    MobileExtraConfig,
    MobileSimulateService,
    Session,
)
from agentbay._common.models.browser import BrowserNotifyMessage
from agentbay._common.models.browser_operator import ActOptions, ExtractOptions, ObserveOptions
from agentbay._sync.context import Context
from agentbay._sync.pty import PtyHandle
from pydantic import BaseModel
from values import FILE, VALUES

WITHOUT_LINK_URL = {"session.computer.screenshot", "session.mobile.screenshot"}
"""What the client itself refuses where it has the other way to take a screenshot."""
REPOSITORY = VALUES["repo_path"]
REPOSITORIES = f"""
set -e
rm -rf {REPOSITORY} {REPOSITORY}.* && git init --quiet --initial-branch main {REPOSITORY} && cd {REPOSITORY}
git config user.name some && git config user.email a@example.org
echo one > one && git add one && git commit --quiet --message one && git branch kept
git clone --quiet --bare . ../repository.upstream && git remote add origin {REPOSITORY}.upstream
git fetch --quiet && git branch --quiet --set-upstream-to origin/main && echo two > one && git add one
"""


class Taken(BaseModel):
    """What is to be taken from a page."""

    title: str


SYNC = ContextSync("SdkCtx-1", "/tmp/synced")
VALUES.update(
    context=Context("SdkCtx-1", "some"),
    action_input=ActOptions("press"),
    notify_message=BrowserNotifyMessage("call-for-user"),
    mobile_dev_info_content='{"model": "some"}',
    mobile_config=MobileExtraConfig(lock_resolution=True),
    context_sync=SYNC,
)
OF_ONE = {
    "AgentBay.context.get": {"more": {"name": "some"}},
    "AgentBay.beta_skills.get_metadata": {"more": {"skill_ids": ["s"]}},
    "session.get_link": {"more": {"protocol_type": "https", "port": 30100}},
    "session.file_system.create_directory": {"path": f"{FILE}.d"},
    "session.file_system.list_directory": {"path": "/tmp"},
    "session.file_system.list": {"path": "/tmp"},
    "session.file_system.ls": {"path": "/tmp"},
    "session.file_system.search_files": {"path": "/tmp"},
    "session.file_system.watch_directory": {"path": "/tmp"},
    "session.git.clone": {"url": f"{REPOSITORY}.upstream", "more": {"path": f"{REPOSITORY}.cloned"}},
    "session.git.init": {"more": {"path": f"{REPOSITORY}.new"}},
    "session.git.checkout_branch": {"branch": "kept"},
    "session.git.delete_branch": {"branch": "kept"},
    "session.git.remote_add": {"name": "second"},
    "session.git.remote_get": {"name": "origin"},
    "session.git.reset": {"more": {"mode": "hard"}},
    "session.git.restore": {"paths": ["one"]},
    "session.context.bind": {"unnamed": [SYNC]},
    "session.browser.initialize": {"more": {"option": BrowserOption()}},
    "session.browser.init": {"more": {"option": BrowserOption()}},
    "session.mobile.send_key": {"key": 3},
    "session.browser.operator.observe": {"options": ObserveOptions("look")},
    "session.browser.operator.extract": {"options": ExtractOptions("take", Taken)},
}
"""Values for one method alone; `more` are arguments that it could do without, `unnamed` some without a name."""


def unused():
    """The objects of a script that has asked nobody anything yet."""
    client = AgentBay(api_key="nobody")
    session = Session(client, "s-none")
    roots = {"AgentBay": client, "session": session, "session.pty.handle": PtyHandle("p", session.pty)}
    roots |= {"ExtensionsService": ExtensionsService(client), "MobileSimulateService": MobileSimulateService(client)}
    return roots | {"BrowserFingerprintGenerator": BrowserFingerprintGenerator()}


class Stage:
    def __init__(self):
        self.client = AgentBay()
        self.session = self.made()
        self.local = Path("extension.zip").absolute()
        self.local.write_bytes(b"PK")

    def root(self, name):
        services = {"ExtensionsService": ExtensionsService, "MobileSimulateService": MobileSimulateService}
        if name in services:
            return services[name](self.client)
        return {"AgentBay": self.client, "session": self.session}[name]

    def given(self, path):
        """Values by name; the session lives, and the files that methods are about are there."""
        if self.session.get_status().status != "RUNNING":
            self.session = self.made()
        session = self.session
        assert session.file_system.write_file(FILE, "text").success
        prepared = session.command.execute_command(REPOSITORIES if ".git." in path else f"rm -rf {FILE}.*", 50_000)
        assert prepared.success, prepared
        session.browser._initialized = ".init" not in path  # as if it had not been refused
        session._ws_client = None  # `unregister_callback` has closed it
        session.pty.handle = PtyHandle("p", session.pty)
        session.link_url = "" if path in WITHOUT_LINK_URL else self.link_url
        if path.endswith("beta_resume"):
            assert session.beta_pause().success
        own = {"session": session, "session_id": session.session_id}
        own |= dict.fromkeys(("local_path", "new_local_path"), str(self.local))
        return {**VALUES, **own, **OF_ONE.get(path, {})}

    def made(self):
        made = self.client.create()
        assert made.success, made.error_message
        self.link_url = made.session.link_url
        return made.session

    def close(self):
        self.client.delete(self.session)
