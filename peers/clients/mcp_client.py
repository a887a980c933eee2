"""The MCP SDK for Python against an MCP server: everything it needs it finds out by itself, from the first 401 on."""

import asyncio
import time
import urllib.request
from urllib.parse import parse_qs, urljoin, urlparse

import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from stage import Callback, expect, passed, settings, visit


class Storage:
    """What the SDK asks an application to keep for it."""

    def __init__(self):
        self.saved = []
        self.client = None

    async def get_tokens(self):
        return self.saved[-1] if self.saved else None

    async def set_tokens(self, tokens):
        self.saved.append(tokens)

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


callback = Callback()
storage = Storage()
sign_ins = []


async def redirected(url):
    sign_ins.append(url)
    visit(url)


async def came_back():
    url = await asyncio.to_thread(callback.answer)
    query = {name: values[0] for name, values in parse_qs(urlparse(url).query).items()}
    expect(query.get("iss") == settings["issuer"], f"the issuer, not {query}")
    return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])


async def call(session, name):
    return (await session.call_tool(name)).content[0].text


async def main():
    provider = OAuthClientProvider(
        server_url=settings["resource"],
        client_metadata=OAuthClientMetadata(
            client_name="MCP SDK for Python",
            redirect_uris=[callback.redirect_uri],
            grant_types=["authorization_code", "refresh_token"],
            token_endpoint_auth_method="none",
        ),
        storage=storage,
        redirect_handler=redirected,
        callback_handler=came_back,
    )
    async with (
        httpx2.AsyncClient(auth=provider, timeout=60, trust_env=False) as client,
        streamable_http_client(settings["resource"], http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        expect(storage.client.client_id, "a registered client")
        passed("registration")
        passed("code")
        who = await call(session, "whoami")
        expect(who.startswith("usr_"), f"a user, not {who}")
        passed("call")
        expire = urllib.request.Request(urljoin(settings["resource"], "/expire"), method="POST")
        urllib.request.urlopen(expire).close()
        # The SDK goes by its own clock.
        provider.context.token_expiry_time = time.time() - 1
        expect(await call(session, "whoami") == who, "the same user")
        expect(len(storage.saved) == 2 and len(sign_ins) == 1, "a refresh without another sign-in")
        expect(storage.saved[0].refresh_token != storage.saved[1].refresh_token, "a new refresh token")
        passed("refresh")
        expect(await call(session, "write") == "written", "a token for more")
        expect(len(sign_ins) == 2, "one question")
        passed("step up")
    passed("done")


asyncio.run(main())
