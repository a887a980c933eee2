"""Authlib: a confidential client that knows the server by its discovery document, and an API that verifies what it gets."""

import os

from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from stage import Callback, expect, passed, settings, visit

# The issuer is on this machine.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
callback = Callback()
client = settings["confidential"]
saved = []


def session(scope, **more):
    result = OAuth2Session(
        client["id"],
        client["secret"],
        scope=scope,
        redirect_uri=callback.redirect_uri,
        code_challenge_method="S256",
        update_token=lambda token, **_: saved.append(token),
        **more,
    )
    result.trust_env = False
    return result


anonymous = session("openid")
metadata = anonymous.get(settings["issuer"] + "/.well-known/openid-configuration", withhold_token=True).json()
keys = KeySet.import_key_set(anonymous.get(metadata["jwks_uri"], withhold_token=True).json())
passed("discovery")


def verified(token, typ):
    """A JWT of the server's."""
    decoded = jwt.decode(token, keys, algorithms=["RS256", "ES256"])
    expect(decoded.header.get("typ") in typ, f"one of {typ}, not {decoded.header}")
    expect(decoded.claims["iss"] == settings["issuer"], f"the issuer, not {decoded.claims}")
    return decoded


def sign_in(oauth, **more):
    verifier = "a-code-verifier-that-has-more-than-the-43-characters-it-needs"
    url, state = oauth.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, **more)
    visit(url)
    return oauth.fetch_token(
        metadata["token_endpoint"], authorization_response=callback.answer(), state=state, code_verifier=verifier
    )


oauth = session("openid email offline_access", token_endpoint=metadata["token_endpoint"])
token = sign_in(oauth, nonce="a-nonce")
identity = verified(token["id_token"], [None, "JWT"])
claims = CodeIDToken(
    identity.claims,
    identity.header,
    {"iss": {"value": settings["issuer"]}, "aud": {"value": client["id"]}},
    {"nonce": "a-nonce", "client_id": client["id"], "access_token": token["access_token"]},
)
claims.validate()
expect(identity.header["alg"] == "RS256", f"RS256, not {identity.header}")
passed("code")
userinfo = oauth.get(metadata["userinfo_endpoint"]).json()
expect(userinfo["sub"] == claims["sub"] and userinfo["email"] == "ada@example.com", f"Ada, not {userinfo}")
passed("userinfo")

# An hour later: the library renews what has expired before it calls.
oauth.token["expires_at"] = 1
expect(oauth.get(metadata["userinfo_endpoint"]).json()["sub"] == claims["sub"], "the same user")
expect(len(saved) == 1 and saved[0]["refresh_token"] != token["refresh_token"], "a new refresh token")
passed("refresh")
access = oauth.token["access_token"]
expect(oauth.introspect_token(metadata["introspection_endpoint"], access).json()["active"], "an active token")
passed("introspection")
answer = oauth.revoke_token(metadata["revocation_endpoint"], oauth.token["refresh_token"])
expect(answer.status_code == 200, f"200, not {answer.status_code}")
expect(
    not oauth.introspect_token(metadata["introspection_endpoint"], access).json()["active"], "a token that has ended"
)
passed("revocation")

token = sign_in(session("mcp:read"), resource=settings["resource"])
audience = verified(token["access_token"], ["at+jwt"]).claims["aud"]
expect(audience in (settings["resource"], [settings["resource"]]), f"the resource, not {audience}")
passed("resource")
machine = session("mcp:read").fetch_token(
    metadata["token_endpoint"], grant_type="client_credentials", resource=settings["resource"]
)
expect(verified(machine["access_token"], ["at+jwt"]).claims["sub"] == client["id"], "a token of the client itself")
passed("client credentials")
passed("done")
