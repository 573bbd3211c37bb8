"""OpenID Connect identity tokens (JSON Web Tokens, RFC 7519), verified with an issuer's keys. Pure.

Whether a token has expired is asked when it is recorded, not when it is read: what it endorses stands in its audience,
so that a token which everybody can read in a ledger endorses nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.identity.issuer_keys import IssuerKey
from infratrack.project.identity_schema import ISSUER_PATTERN
from infratrack.values import Instant

TOKEN_AT_MOST: Final = 16 * 1024
LEEWAY: Final = 120
"""Seconds by which clocks may differ."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_ISSUER: Final = re.compile(ISSUER_PATTERN)
_REQUIRED: Final = ["iss", "sub", "aud", "iat", "exp"]


def audience_for(keyid: str) -> str:
    """The audience of a token that endorses a key."""
    return f"infratrack:{keyid}"


def issuer_claimed(token: str) -> str:
    """The issuer that a token names, not verified yet; InputError when it is no token or the issuer no HTTPS URL."""
    issuer = _unverified(token)[1].get("iss")
    if not isinstance(issuer, str) or not _ISSUER.fullmatch(issuer):
        raise InputError("the identity token names no issuer that can be asked for keys", "an issuer is an https URL")
    return issuer


def key_for(token: str, keys: Sequence[IssuerKey]) -> IssuerKey | None:
    """The key that the token's header points at; None when it is not among them."""
    header, _ = _unverified(token)
    kid, algorithm = header.get("kid"), header.get("alg")
    fitting = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in fitting if key.kid == kid] if isinstance(kid, str) else []
    if named:
        return named[0]
    return fitting[0] if kid is None and len(fitting) == 1 else None


def verified_claims(token: str, key: IssuerKey, *, issuer: str, audience: str) -> Mapping[str, Any]:
    """The claims of a token that the key signed, for this audience and no other.

    Raises InputError for what is no token, IntegrityFailure for one that is not what it should be. No message quotes
    the token.
    """
    import jwt  # noqa: PLC0415 -- only where there is a token

    header, _ = _unverified(token)
    algorithm = header.get("alg")
    if algorithm not in key.algorithms or "crit" in header:
        raise IntegrityFailure("the identity token is not signed in a way that fits the issuer's key")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key.for_verifying(str(algorithm)),
            algorithms=[str(algorithm)],
            audience=audience,
            issuer=issuer,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": _REQUIRED},
        )
    except jwt.InvalidAudienceError as error:
        raise IntegrityFailure(
            "the identity token was made for another audience", f"it has to be asked for with the audience {audience}"
        ) from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise IntegrityFailure(f"the identity token does not hold: {type(error).__name__}") from error
    # A token that is good for something else as well must not be shown to everybody.
    if claims["aud"] not in (audience, [audience]):
        raise IntegrityFailure(
            "the identity token was made for other audiences too", f"ask for one with the audience {audience} alone"
        )
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise IntegrityFailure("the identity token names no subject")
    return claims


def check_times(claims: Mapping[str, Any], now: Instant) -> None:
    """IntegrityFailure when a token is not valid at this moment, clocks that differ by two minutes forgiven."""
    seconds = now / 1_000_000
    begin, end = claims.get("nbf", claims.get("iat")), claims.get("exp")
    if not isinstance(begin, int | float) or not isinstance(end, int | float):
        raise IntegrityFailure("the identity token does not say when it is valid")
    if seconds > end + LEEWAY:
        raise IntegrityFailure("the identity token has expired", "ask for a new one: it is good for minutes only")
    if seconds < begin - LEEWAY:
        raise IntegrityFailure("the identity token is not valid yet", "check this machine's clock")


@lru_cache(maxsize=4)
def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as they stand there. One token is asked about several times, one after the other."""
    import jwt  # noqa: PLC0415 -- only where there is a token

    if len(token) > TOKEN_AT_MOST or not _TOKEN.fullmatch(token):
        raise InputError("this is not an identity token", "a JSON Web Token as the CI system issues it")
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise InputError("the identity token cannot be read", "a JSON Web Token as the CI system issues it") from error
    return whole["header"], whole["payload"]
