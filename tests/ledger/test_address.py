import pytest

from infratrack.errors import InputError
from infratrack.ledger.address import DEFAULT_BLOB_LIMIT, GitAddress, SqliteAddress, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sqlite:///.infratrack/ledger.db", SqliteAddress(".infratrack/ledger.db", None)),
        ("sqlite:////var/l%20x.db?blobs=s3://b/p", SqliteAddress("/var/l x.db", "s3://b/p")),
        ("git:infratrack/ledger", GitAddress(None, "origin", "refs/heads/infratrack/ledger", None, DEFAULT_BLOB_LIMIT)),
        ("git:refs/infratrack/ledger", GitAddress(None, "origin", "refs/infratrack/ledger", None, DEFAULT_BLOB_LIMIT)),
        (
            "git:ledger?remote=up/stream&blobs=none&blob_limit=64KiB",
            GitAddress(None, "up/stream", "refs/heads/ledger", "none", 65_536),
        ),
        (
            "git+https://host/p.git?x=1#ledger?blobs=s3%3A//b&blob_limit=2MiB",
            GitAddress("https://host/p.git?x=1", "origin", "refs/heads/ledger", "s3://b", 2 << 20),
        ),
        (
            "git+git@host:team/p.git#ledger?blob_limit=0",
            GitAddress("git@host:team/p.git", "origin", "refs/heads/ledger", None, 0),
        ),
        (
            "git+ssh://git@host/p.git#ledger",
            GitAddress("ssh://git@host/p.git", "origin", "refs/heads/ledger", None, DEFAULT_BLOB_LIMIT),
        ),
        (
            "git+../ledger.git#ledger",
            GitAddress("../ledger.git", "origin", "refs/heads/ledger", None, DEFAULT_BLOB_LIMIT),
        ),
    ],
)
def test_an_address_says_where_the_ledger_is(text: str, address: object) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "ledger.db", "postgresql://host/db", "sqlite://host/l.db", "sqlite:///", "sqlite:///l.db?x=1", "sqlite://[",
     "sqlite:///l.db?blobs", "sqlite:///a%00b", "git:", "git:-x", "git:a..b", "git:a b", "git:l?x=1", "git:l?blobs",
     "git:l?blobs=", "git:l?remote=-x", "git:l?remote=", "git:l?blob_limit=-1", "git:l?blob_limit=1GiB",
     "git:l?blob_limit=65MiB", "git+https://host/p.git",
     "git+#l", "git+ext::sh#l", "git+--upload-pack=x#l", "git+https://h/p#l?remote=x",
     "git+https://h/\x1b#l"],
)  # fmt: skip
def test_an_address_of_another_form_is_a_sentence(text: str) -> None:
    with pytest.raises(InputError) as raised:
        read_address(text)
    assert raised.value.message
    assert raised.value.hint
    assert raised.value.message.isprintable()


def test_a_password_in_an_address_is_refused_and_never_repeated() -> None:
    for text in ("git+https://me:s3cret@host/p.git#ledger", "sqlite://me:s3cret@host/l.db", "pg://u:s3cret@host/"):
        with pytest.raises(InputError) as raised:
            read_address(text)
        assert "s3cret" not in raised.value.message + raised.value.hint
