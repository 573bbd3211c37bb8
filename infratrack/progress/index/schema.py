"""The tables of the facts index, an SQLite file that can be thrown away at any time.

The words about one subject lie in three packed arrays (instants, ledger entries, values), sorted as evidence is
ordered, because eight hundred thousand rows cost seconds and eight thousand rows of arrays cost milliseconds.
"""

from __future__ import annotations

from typing import Final

FORMAT: Final = 2
"""Raised whenever the tables or what stands in them change meaning: an index of another format is rebuilt."""

TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE evidence (
    entry INTEGER PRIMARY KEY, digest TEXT NOT NULL, payload TEXT NOT NULL, type INTEGER NOT NULL,
    key INTEGER NOT NULL, project INTEGER NOT NULL, definition INTEGER NOT NULL, state INTEGER NOT NULL,
    instant INTEGER NOT NULL, recorded INTEGER NOT NULL, run TEXT NOT NULL, outcome TEXT, commit_id TEXT, actor TEXT,
    run_url TEXT, problem TEXT NOT NULL);
CREATE INDEX evidence_group ON evidence (key, project, state, type, definition, entry, instant);
CREATE INDEX evidence_payload ON evidence (payload, entry);
CREATE TABLE twin (payload TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (payload, entry)) WITHOUT ROWID;
CREATE TABLE subject (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, changed INTEGER NOT NULL,
    UNIQUE (kind, scope, name));
CREATE INDEX subject_changed ON subject (changed);
CREATE TABLE history (
    subject INTEGER PRIMARY KEY, instants BLOB NOT NULL, entries BLOB NOT NULL, value_ids BLOB NOT NULL);
CREATE TABLE value (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, json BLOB NOT NULL, UNIQUE (kind, json));
CREATE TABLE link (
    deliverable TEXT NOT NULL, entry INTEGER NOT NULL, instant INTEGER NOT NULL, outcome TEXT,
    PRIMARY KEY (deliverable, entry)) WITHOUT ROWID;
CREATE INDEX link_entry ON link (entry, deliverable);
CREATE TABLE signoff (
    entry INTEGER PRIMARY KEY, deliverable TEXT NOT NULL, decision TEXT NOT NULL, comment TEXT NOT NULL);
CREATE TABLE key_entry (
    entry INTEGER PRIMARY KEY, keyid TEXT NOT NULL, action TEXT NOT NULL, signer TEXT NOT NULL);
CREATE TABLE endorsement (
    entry INTEGER PRIMARY KEY, keyid TEXT NOT NULL, authority TEXT NOT NULL, runner TEXT NOT NULL);
CREATE TABLE definition (digest TEXT PRIMARY KEY, document BLOB) WITHOUT ROWID;
CREATE TABLE fold (deliverable TEXT PRIMARY KEY, key TEXT NOT NULL, size INTEGER NOT NULL, state BLOB NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verified (digest TEXT PRIMARY KEY, keyid TEXT NOT NULL) WITHOUT ROWID;
"""

PROJECTION: Final = (
    "meta", "name",
    "evidence", "twin", "subject", "history", "value", "link", "signoff", "key_entry", "endorsement", "definition",
    "fold",
)  # fmt: skip
"""Every table but `verified`, which outlives a rebuild: a signature is checked once."""

COMPARED: Final = {
    "evidence": (
        "SELECT e.entry, e.digest, e.payload, t.text, k.text, p.text, d.text, e.state, e.instant, e.recorded, e.run,"
        " e.outcome, e.commit_id, e.actor, e.run_url, e.problem FROM evidence e"
        " JOIN name t ON t.id = e.type JOIN name k ON k.id = e.key JOIN name p ON p.id = e.project"
        " JOIN name d ON d.id = e.definition ORDER BY e.entry"
    ),
    "twin": "SELECT payload, entry FROM twin ORDER BY payload, entry",
    "link": "SELECT deliverable, entry, instant, outcome FROM link ORDER BY deliverable, entry",
    "signoff": "SELECT entry, deliverable, decision, comment FROM signoff ORDER BY entry",
    "key_entry": "SELECT entry, keyid, action, signer FROM key_entry ORDER BY entry",
    "endorsement": "SELECT entry, keyid, authority, runner FROM endorsement ORDER BY entry",
    "definition": "SELECT digest, document FROM definition ORDER BY digest",
}
"""What two indexes of the same ledger must agree on, in a form that does not depend on the order of interning."""
