"""Migrations that destroy data."""

import pytest

from sidecar.risk.hazards.migration import RULE
from tests.risk.hazards.cases import check_words, findings, lines


@pytest.mark.parametrize(
    ("path", "line", "what"),
    [
        ("db/migrate/2.sql", "DROP TABLE users;", "drops the table users"),
        ("db/2.sql", "ALTER TABLE users DROP COLUMN email;", "drops the column email"),
        ("a.sql", "drop table if exists `Users`;", "drops the table users"),
        ("a.sql", "TRUNCATE TABLE orders;", "deletes every row of orders"),
        ("a.sql", "DELETE FROM orders;", "deletes every row of orders"),
        (
            "app/migrations/0002_x.py",
            "    migrations.RemoveField(",
            "takes a table or a column away, with all that is in it",
        ),
        (
            "alembic/versions/x.py",
            "    op.drop_column('users', 'email')",
            "takes a table or a column away, with all that is in it",
        ),
        ("alembic/versions/x.py", "    op.execute('DROP TABLE users')", "drops the table users"),
        (
            "migrations/2.js",
            "  await knex.schema.dropTable('users')",
            "takes a table or a column away, with all that is in it",
        ),
        (
            "db/migrate/2_x.rb",
            "    remove_column :users, :email",
            "takes a table or a column away, with all that is in it",
        ),
        ("src/main/resources/db/migration/V2.sql", "DROP TABLE users CASCADE;", "drops the table users"),
    ],
)
def test_found(path, line, what):
    (found,) = findings(RULE, path, line)
    assert found.what == f"This line {what}."


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.sql", ["-- DROP TABLE users;"]),
        ("a.sql", ["DELETE FROM orders WHERE id = 1;"]),
        ("a.sql", ["DROP INDEX users_email;"]),
        ("a.sql", ["DROP TABLE users_old;"]),
        ("a.sql", ["DROP TABLE IF EXISTS users;", "CREATE TABLE users (id int);"]),
        ("a.sql", ["DROP TABLE users;", "ALTER TABLE users_new RENAME TO users;"]),
        ("db/2.down.sql", ["DROP TABLE users;"]),
        ("db/2_rollback.sql", ["DROP TABLE users;"]),
        ("db/2.sql", ["-- +goose Up", "CREATE TABLE a (b int);", "-- +goose Down", "DROP TABLE users;"]),
        ("alembic/versions/x.py", ["def upgrade():", "    pass", "def downgrade():", "    op.drop_table('users')"]),
        ("migrations/2.js", ["exports.down = (knex) => {", "  return knex.schema.dropTable('users')"]),
        ("tests/a.sql", ["DROP TABLE users;"]),
        ("docs/a.sql", ["DROP TABLE users;"]),
        ("app/menu.py", ["dropTable()", "DROP TABLE users"]),
        ("db/2.sql", ["GRANT TRUNCATE ON users TO x;"]),
    ],
)
def test_none(path, text):
    assert lines(RULE, path, *text) == []


def test_a_step_forward_behind_a_step_back():
    text = ["def downgrade():", "    op.drop_table('a')", "def upgrade():", "    op.drop_table('b')"]
    assert lines(RULE, "alembic/versions/x.py", *text) == [4]


def test_words():
    check_words(RULE)
