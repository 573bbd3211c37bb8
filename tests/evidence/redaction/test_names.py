"""Which names announce a secret."""

from __future__ import annotations

import pytest

from infratrack.evidence.redaction.names import is_secret_name


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "dbPassword", "DB-PASSWORD", "MYSQL_PWD", "PGPASSWORD", "db_pass", "pw",
        "token", "GITHUB_TOKEN", "accessToken", "secret", "client_secret", "AWS_SECRET_ACCESS_KEY", "api_key", "apiKey",
        "APIKEY", "X-Api-Key", "Authorization", "Cookie", "Set-Cookie", "credentials", "GOOGLE_CREDENTIALS",
        "PRIVATE_KEY", "conn_str", "AzureWebJobsConnectionString", "SENTRY_DSN", "VAULT_SECRET_ID", "password1",
        "vault.token", "GH_PAT", "encryption_key", "rootpassword", "x" * 200 + "_password", "WIFI_PSK", "SSH_KEY",
        "primary_key", "password_hash",
    ],
)  # fmt: skip
def test_these_do(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "-", "123", "name", "PWD", "OLDPWD", "key", "keys", "INFRATRACK_KEY", "KEY_NAME", "SORT_KEY", "public_key",
        "PASSWORD_FILE", "token_ttl", "secret_name", "TOKEN_URL", "CLIENT_ID", "monkey", "keyboard", "author",
        "pattern", "path", "compass", "bypass", "secretsmanager_secret.db", "token.db", "partition_key", "passed_tests",
        "keyid", "compatible", "patch", "address",
    ],
)  # fmt: skip
def test_these_do_not(name: str) -> None:
    assert not is_secret_name(name)
