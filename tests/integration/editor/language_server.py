"""npm's yaml-language-server, the one behind YAML in VS Code, PyCharm's and Neovim's plug-ins, and a client that asks it what an editor asks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from tests import npm
from tests.house.project import ROOT

HERE = Path(__file__).parent
SETTINGS = {
    # schemas come from the first line of each file, and from nowhere else
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}, "yamlVersion": "1.2"},
    "http": {},
    "[yaml]": {"editor.tabSize": 2},
}
SECONDS = 60


def installed() -> Path:
    """Give the server's program."""
    return npm.installed(HERE) / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"


class Editor:
    """An editor with the workspace open, without a window."""

    def __init__(self) -> None:
        self.client: Any = LanguageClient("tests", "1")
        self.told: dict[str, list[lsp.Diagnostic]] = {}
        self._news: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._versions: dict[str, int] = {}

        def configuration(params: lsp.ConfigurationParams) -> list[Any]:
            return [SETTINGS.get(item.section or "", {}) for item in params.items]

        def register(params: lsp.RegistrationParams) -> None:
            return None

        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.told[params.uri] = list(params.diagnostics)
            self._news[params.uri].set()

        answers: dict[str, Callable[[Any], object]] = {
            lsp.WORKSPACE_CONFIGURATION: configuration,
            lsp.CLIENT_REGISTER_CAPABILITY: register,
            lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: published,
        }
        for method, answer in answers.items():
            self.client.feature(method)(answer)

    async def start(self) -> None:
        """Start the server and open the workspace."""
        await self.client.start_io(npm.node(), str(installed()), "--stdio")
        capabilities = lsp.ClientCapabilities(
            workspace=lsp.WorkspaceClientCapabilities(configuration=True),
            text_document=lsp.TextDocumentClientCapabilities(
                completion=lsp.CompletionClientCapabilities(
                    completion_item=lsp.ClientCompletionItemOptions(documentation_format=[lsp.MarkupKind.Markdown])
                ),
                hover=lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.Markdown]),
            ),
        )
        folders = [lsp.WorkspaceFolder(ROOT.as_uri(), "truce")]
        params = lsp.InitializeParams(capabilities=capabilities, process_id=None, root_uri=ROOT.as_uri(), workspace_folders=folders)
        await asyncio.wait_for(self.client.initialize_async(params), SECONDS)
        self.client.initialized(lsp.InitializedParams())
        self.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings=SETTINGS))

    async def stop(self) -> None:
        """End the server."""
        await asyncio.wait_for(self.client.shutdown_async(None), SECONDS)
        self.client.exit(None)
        await self.client.stop()

    async def show(self, path: Path, text: str) -> list[lsp.Diagnostic]:
        """Show a text as this file's content; gives what is underlined."""
        uri = path.as_uri()
        version = self._versions[uri] = self._versions.get(uri, 0) + 1
        self._news[uri].clear()
        if version == 1:
            self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "yaml", version, text)))
        else:
            change = [lsp.TextDocumentContentChangeWholeDocument(text)]
            named = lsp.VersionedTextDocumentIdentifier(version, uri)
            self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(named, change))
        await asyncio.wait_for(self._news[uri].wait(), SECONDS)
        return self.told[uri]

    async def complete(self, path: Path, line: int, column: int) -> dict[str, lsp.CompletionItem]:
        """Give what is offered at a place (from 0), by its label."""
        params = lsp.CompletionParams(lsp.TextDocumentIdentifier(path.as_uri()), lsp.Position(line, column))
        found = await asyncio.wait_for(self.client.text_document_completion_async(params), SECONDS)
        items = found.items if isinstance(found, lsp.CompletionList) else found or []
        return {item.label: item for item in items}

    async def hover(self, path: Path, line: int, column: int) -> str:
        """Give what is told of the word at a place, empty for nothing."""
        params = lsp.HoverParams(lsp.TextDocumentIdentifier(path.as_uri()), lsp.Position(line, column))
        found = await asyncio.wait_for(self.client.text_document_hover_async(params), SECONDS)
        return found.contents.value if found and isinstance(found.contents, lsp.MarkupContent) else ""
