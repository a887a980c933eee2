"""An MCP server made of FastMCP that takes the tokens of the authorization server."""

import asyncio
import json
import os
import socket
import sys

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier

issuer = json.loads(sys.stdin.readline())["issuer"]

listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
verifier = JWTVerifier(
    jwks_uri=f"{issuer}/oauth/jwks",
    issuer=issuer,
    audience=f"{base}/mcp",
    # It takes one only, and this is the one that access tokens are signed with.
    algorithm="ES256",
    required_scopes=["mcp:read"],
)
auth = RemoteAuthProvider(token_verifier=verifier, authorization_servers=[issuer], base_url=base)
server = FastMCP("whoami", auth=auth)


@server.tool
def whoami() -> str:
    """Who the token belongs to."""
    return "somebody"


print(f"resource {base}/mcp", flush=True)
sys.stdin.readline()
print("open", flush=True)
application = server.http_app(path="/mcp", stateless_http=True, json_response=True)
running = uvicorn.Server(uvicorn.Config(application, log_level="warning"))


def end_with_the_test():
    # Standard input closes when the test ends.
    if not sys.stdin.readline():
        os._exit(0)


async def main():
    asyncio.get_running_loop().run_in_executor(None, end_with_the_test)
    await running.serve(sockets=[listener])


asyncio.run(main())
