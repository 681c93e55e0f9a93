//! Rows for every table, in every shape that it has had.

use diesel::migration::MigrationSource;
use diesel_migrations::MigrationHarness;
use keyfob::store::MIGRATIONS;

use super::Database;

/// The rows of a table, as they can be inserted from a migration on.
pub struct SampleRows {
    /// The number of the migration.
    pub since: usize,
    pub table: &'static str,
    /// What follows `INSERT INTO table`. Bytes are written without the zeros that make a
    /// digest of them.
    values: &'static str,
}

const fn rows(since: usize, table: &'static str, values: &'static str) -> SampleRows {
    SampleRows { since, table, values }
}

/// Parents come before their children. A table whose columns change gets one
/// more entry, behind the one that it had; a new table needs one.
const ROWS: &[SampleRows] = &[
    rows(1, "settings", "(name, value) VALUES ('cookie_key', '00ff'), ('setup_code', '')"),
    rows(
        1,
        "accounts",
        "(id, name, created_at) VALUES ('acc_1', 'Ada & Co. “ž”', 1), ('acc_2', 'Eve', 9223372036854775807)",
    ),
    rows(
        1,
        "operators",
        "(id, account_id, email, name, password_hash, created_at) VALUES \
         ('op_1', 'acc_1', 'ada@example.com', 'Ada', '$argon2id$1', 2), \
         ('op_2', 'acc_2', 'eve@example.com', 'Eve', '$argon2id$2', 3)",
    ),
    rows(
        10,
        "operators",
        "(id, email, name, created_at) VALUES ('op_1', 'ada@example.com', 'Ada', 2), ('op_2', 'eve@example.com', 'Eve', 3)",
    ),
    rows(
        22,
        "operators",
        "(id, email, name, created_at, disabled_at, last_seen_at) VALUES \
         ('op_1', 'ada@example.com', 'Ada', 2, NULL, 53), ('op_2', 'eve@example.com', 'Eve', 3, 54, NULL)",
    ),
    rows(
        10,
        "operator_passwords",
        "(operator_id, hash, changed_at) VALUES ('op_1', '$argon2id$1', 2), ('op_2', '$argon2id$2', 3)",
    ),
    rows(
        10,
        "memberships",
        "(operator_id, account_id, role, created_at) VALUES ('op_1', 'acc_1', 'owner', 2), ('op_2', 'acc_2', 'owner', 3)",
    ),
    rows(
        1,
        "services",
        "(slug, name, key_prefix, created_at) VALUES ('sms', 'SMS', 'sms', 4), ('maps', 'Maps', 'maps', 5)",
    ),
    rows(
        29,
        "services",
        "(slug, name, key_prefix, created_at, self_revocation, status) VALUES \
         ('sms', 'SMS', 'sms', 4, 'allowed', 'enabled'), ('maps', 'Maps', 'maps', 5, 'refused', 'disabled')",
    ),
    rows(
        2,
        "api_keys",
        "(id, account_id, service, mode, name, description, digest, mask, status, created_by, created_at, expires_at) \
         VALUES ('key_1', 'acc_1', 'sms', 'live', 'One', '', X'00FF', 'sms_live_…1', 'enabled', 'op_1', 6, NULL), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', X'0102', 'maps_test_…2', 'disabled', NULL, 7, 8)",
    ),
    rows(
        9,
        "api_keys",
        "(id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, status_reason) \
         VALUES ('key_1', 'acc_1', 'sms', 'live', 'One', '', 'enabled', 'op_1', 6, NULL, NULL), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', 'disabled', NULL, 7, 8, 'unused')",
    ),
    rows(
        9,
        "key_secrets",
        "(id, api_key_id, digest, mask, tail, created_at, ends_at, origin) VALUES \
         ('ksec_1', 'key_1', X'00FF', 'sms_live_…abc1', 'abc1', 6, NULL, 'minted'), \
         ('ksec_2', 'key_2', X'0102', 'maps_test_…abc2', 'abc2', 7, NULL, 'imported'), \
         ('ksec_3', 'key_2', X'0103', 'maps_test_…abc3', 'abc3', 7, 8, 'minted')",
    ),
    rows(
        18,
        "service_scopes",
        "(service, name, description) VALUES ('maps', 'tiles.read', 'Read tiles'), ('maps', 'a.b:c-d_e', '')",
    ),
    rows(
        18,
        "api_keys",
        "(id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, status_reason, \
         scopes, allowed_ips) VALUES \
         ('key_1', 'acc_1', 'sms', 'live', 'One', '', 'enabled', 'op_1', 6, NULL, NULL, '*', ''), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', 'disabled', NULL, 7, 8, 'unused', 'tiles.read', '10.0.0.0/8 ::1')",
    ),
    rows(
        28,
        "api_keys",
        "(id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, status_reason, \
         scopes, allowed_ips, deleted_at, sort_name, search) VALUES \
         ('key_1', 'acc_1', 'sms', 'live', 'One', '', 'enabled', 'op_1', 6, NULL, NULL, '*', '', NULL, 'one', 'one'), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', 'disabled', NULL, 7, 8, 'unused', 'tiles.read', \
          '10.0.0.0/8 ::1', 63, 'two', 'two it''s')",
    ),
    rows(
        38,
        "api_keys",
        "(id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, status_reason, \
         scopes, allowed_ips, deleted_at, sort_name, search, external_id, metadata) VALUES \
         ('key_1', 'acc_1', 'sms', 'live', 'One', '', 'enabled', 'op_1', 6, NULL, NULL, '*', '', NULL, 'one', 'one', \
          NULL, '{}'), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', 'disabled', NULL, 7, 8, 'unused', 'tiles.read', \
          '10.0.0.0/8 ::1', 63, 'two', 'two it''s\ncustomer 7', 'Customer 7', '{\"plan\":\"“gold”\"}')",
    ),
    rows(
        39,
        "api_keys",
        "(id, account_id, service, mode, name, description, status, created_by, created_at, expires_at, status_reason, \
         scopes, allowed_ips, deleted_at, sort_name, search, external_id, metadata, version, label_version) VALUES \
         ('key_1', 'acc_1', 'sms', 'live', 'One', '', 'enabled', 'op_1', 6, NULL, NULL, '*', '', NULL, 'one', 'one', \
          NULL, '{}', 1, 1), \
         ('key_2', 'acc_2', 'maps', 'test', 'Two', 'It''s', 'disabled', NULL, 7, 8, 'unused', 'tiles.read', \
          '10.0.0.0/8 ::1', 63, 'two', 'two it''s\ncustomer 7', 'Customer 7', '{\"plan\":\"“gold”\"}', 7, 3)",
    ),
    rows(
        38,
        "management_bounds",
        "(api_key_id, services, grantable_scopes, max_lifetime_days) VALUES ('key_1', '*', '*', NULL), \
         ('key_2', 'maps sms', 'tiles.read', 90)",
    ),
    rows(
        28,
        "key_last_uses",
        "(api_key_id, account_id, created_at, last_used_at) VALUES ('key_1', 'acc_1', 6, 64), ('key_2', 'acc_2', 7, 0)",
    ),
    rows(
        18,
        "key_secrets",
        "(id, api_key_id, digest, mask, tail, created_at, ends_at, origin, uses_at_rotation) VALUES \
         ('ksec_1', 'key_1', X'00FF', 'sms_live_…abc1', 'abc1', 6, NULL, 'minted', NULL), \
         ('ksec_2', 'key_2', X'0102', 'maps_test_…abc2', 'abc2', 7, NULL, 'imported', NULL), \
         ('ksec_3', 'key_2', X'0103', 'maps_test_…abc3', 'abc3', 7, 8, 'minted', 5)",
    ),
    rows(
        3,
        "sessions",
        "(digest, operator_id, state, created_at, seen_at) VALUES (X'AA00', 'op_1', '{\"a\": 1}', 9, 10), \
         (X'BB00', NULL, '{}', 11, 12)",
    ),
    rows(
        25,
        "login_notices",
        "(id, operator_id, audience, new_address, address, user_agent, at) VALUES \
         ('lnot_1', 'op_1', 'elsewhere', '203.0.113.9', '203.0.113.9', 'curl/8', 9), \
         ('lnot_2', 'op_2', 'here', '2001:db8::1', NULL, NULL, 10)",
    ),
    rows(4, "revisions", "(name, value) VALUES ('another', 41)"),
    rows(8, "revisions", "(name, latest) VALUES ('another', 41)"),
    rows(14, "revisions", "(name, latest, nonce) VALUES ('another', 41, 7)"),
    rows(4, "api_key_changes", "(revision, digest) VALUES (1, X'00FF'), (2, X'0102')"),
    rows(14, "api_key_changes", "(revision, digest, nonce) VALUES (1, X'00FF', 8), (2, X'0102', -9)"),
    rows(
        4,
        "api_key_usages",
        "(api_key_id, uses, last_used_at, address, user_agent) VALUES ('key_1', 13, 14, '192.0.2.1', 'curl/8'), \
         ('key_2', 15, 16, '', '')",
    ),
    rows(
        9,
        "key_secret_usages",
        "(key_secret_id, uses, last_used_at, address, user_agent) VALUES ('ksec_1', 13, 14, '192.0.2.1', 'curl/8'), \
         ('ksec_2', 15, 16, '', '')",
    ),
    rows(
        5,
        "api_key_deletions",
        "(api_key_id, account_id, deleted_at) VALUES ('key_3', 'acc_1', 17), ('key_4', 'acc_2', 18)",
    ),
    rows(6, "credit_balances", "(account_id, credits) VALUES ('acc_1', 99), ('acc_2', 0)"),
    rows(
        6,
        "ledger_entries",
        "(id, account_id, amount, reason, message_id, note, created_by, created_at) VALUES \
         ('led_1', 'acc_1', 100, 'opening', NULL, '', NULL, 19), \
         ('led_2', 'acc_1', -1, 'message', 'msg_1', '', NULL, 20), \
         ('led_3', 'acc_2', 5, 'top_up', NULL, 'Invoice 7', 'op_2', 21)",
    ),
    rows(
        6,
        "messages",
        "(id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, segments, credits, status, \
         error, tries, due_at, valid_until, created_at, updated_at) VALUES \
         ('msg_1', 'acc_1', 'key_1', 'live', '+420777000001', 'Ada', 'Hello', 'r1', 'gsm7', 1, 1, 'delivered', \
          NULL, 1, NULL, 22, 23, 24), \
         ('msg_2', 'acc_2', NULL, 'test', '+420777000002', NULL, 'Ahoj ž', '', 'ucs2', 255, 0, 'queued', \
          'CARRIER_DOWN', 0, 25, 26, 27, 28)",
    ),
    rows(
        13,
        "messages",
        "(id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, segments, credits, status, \
         error, tries, due_at, valid_until, created_at, updated_at, carrier_code, rehearsed) VALUES \
         ('msg_1', 'acc_1', 'key_1', 'live', '+420777000001', 'Ada', 'Hello', 'r1', 'gsm7', 1, 1, 'delivered', \
          NULL, 1, NULL, 22, 23, 24, NULL, FALSE), \
         ('msg_2', 'acc_2', NULL, 'test', '+420777000002', NULL, 'Ahoj ž', '', 'ucs2', 255, 0, 'queued', \
          'CARRIER_DOWN', 0, 25, 26, 27, 28, '0x58', TRUE)",
    ),
    rows(
        34,
        "messages",
        "(id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, segments, credits, status, \
         error, tries, due_at, valid_until, created_at, updated_at, carrier_code, rehearsed, carrier) VALUES \
         ('msg_1', 'acc_1', 'key_1', 'live', '+420777000001', 'Ada', 'Hello', 'r1', 'gsm7', 1, 1, 'delivered', \
          NULL, 1, NULL, 22, 23, 24, NULL, FALSE, 'default'), \
         ('msg_2', 'acc_2', NULL, 'test', '+420777000002', NULL, 'Ahoj ž', '', 'ucs2', 255, 0, 'queued', \
          'CARRIER_DOWN', 0, 25, 26, 27, 28, '0x58', TRUE, 'sandbox')",
    ),
    rows(
        35,
        "messages",
        "(id, account_id, api_key_id, mode, recipient, sender, text, reference, encoding, segments, credits, status, \
         error, tries, due_at, valid_until, created_at, updated_at, carrier_code, rehearsed, carrier, callback_url, \
         callback_format, deleted_at) VALUES \
         ('msg_1', 'acc_1', 'key_1', 'live', '+420777000001', 'Ada', 'Hello', 'r1', 'gsm7', 1, 1, 'delivered', \
          NULL, 1, NULL, 22, 23, 24, NULL, FALSE, 'default', 'https://example.com/a', 'twilio', 25), \
         ('msg_2', 'acc_2', NULL, 'test', '+420777000002', NULL, 'Ahoj ž', '', 'ucs2', 255, 0, 'queued', \
          'CARRIER_DOWN', 0, 25, 26, 27, 28, '0x58', TRUE, 'sandbox', NULL, 'json', NULL)",
    ),
    rows(
        6,
        "message_segments",
        "(message_id, number, status, carrier_id, carrier_key, error, updated_at) VALUES \
         ('msg_1', 1, 'delivered', '0A', '10', NULL, 29), ('msg_2', 1, 'waiting', NULL, NULL, 'x', 30)",
    ),
    rows(
        12,
        "message_segments",
        "(message_id, number, status, carrier_id, carrier_key, error, updated_at, carrier) VALUES \
         ('msg_1', 1, 'delivered', '0A', '10', NULL, 29, 'default'), ('msg_2', 1, 'waiting', NULL, NULL, 'x', 30, NULL)",
    ),
    rows(
        13,
        "message_segments",
        "(message_id, number, status, carrier_id, carrier_key, error, updated_at, carrier, carrier_code) VALUES \
         ('msg_1', 1, 'delivered', '0A', '10', NULL, 29, 'default', NULL), \
         ('msg_2', 1, 'waiting', NULL, NULL, 'x', 30, NULL, '0x58')",
    ),
    rows(
        6,
        "message_events",
        "(id, message_id, status, detail, created_at) VALUES ('evt_1', 'msg_1', 'sent', 'x', 31), \
         ('evt_2', 'msg_2', 'queued', '', 32)",
    ),
    rows(
        6,
        "waiting_receipts",
        "(id, carrier_id, carrier_key, state, error, recipient, created_at) VALUES \
         ('rct_1', '0B', '11', 'DELIVRD', NULL, NULL, 33), ('rct_2', '0C', '12', 'UNDELIV', '1', '+420777000003', 34)",
    ),
    rows(
        12,
        "waiting_receipts",
        "(id, carrier_id, carrier_key, state, error, recipient, created_at, carrier) VALUES \
         ('rct_1', '0B', '11', 'DELIVRD', NULL, NULL, 33, 'default')",
    ),
    rows(
        6,
        "idempotency_records",
        "(account_id, mode, endpoint, key, request_digest, answer, created_at) VALUES \
         ('acc_1', 'live', '/v1/sms/messages', 'k1', X'CC00', '{}', 35), \
         ('acc_2', 'test', '/v1/sms/messages', 'k1', X'DD', '[]', 36)",
    ),
    rows(
        7,
        "api_key_callbacks",
        "(api_key_id, url, secret, created_at) VALUES ('key_1', 'https://example.com/a', 'whsec_1', 37), \
         ('key_2', 'https://example.com/b', 'whsec_2', 38)",
    ),
    rows(
        7,
        "callback_deliveries",
        "(id, message_id, api_key_id, payload, status, tries, due_at, error, http_status, created_at, updated_at) VALUES \
         ('wh_1', 'msg_1', 'key_1', '{}', 'delivered', 1, NULL, NULL, 200, 39, 40), \
         ('wh_2', 'msg_2', 'key_2', '{\"a\": 1}', 'waiting', 0, 41, 'TIMEOUT', NULL, 42, 43)",
    ),
    rows(
        35,
        "callback_deliveries",
        "(id, message_id, api_key_id, payload, status, tries, due_at, error, http_status, created_at, updated_at, url, \
         format, host) VALUES \
         ('wh_1', 'msg_1', 'key_1', 'a=1', 'delivered', 1, NULL, NULL, 200, 39, 40, 'https://example.com/a', 'twilio', \
          'example.com:443'), \
         ('wh_2', 'msg_2', 'key_2', '{\"a\": 1}', 'waiting', 0, 41, 'TIMEOUT', NULL, 42, 43, NULL, 'json', '')",
    ),
    rows(
        15,
        "previous_callback_secrets",
        "(secret, api_key_id, ends_at) VALUES ('whsec_0', 'key_1', 46), ('whsec_9', 'key_2', 47)",
    ),
    rows(
        19,
        "key_handovers",
        "(api_key_id, token_digest, sealed, created_at, ends_at, opened_at, address, user_agent) VALUES \
         ('key_1', X'EE00', X'EE01', 48, 49, NULL, NULL, NULL), \
         ('key_2', X'EE02', NULL, 50, 51, 52, '192.0.2.1', 'curl/8')",
    ),
    rows(
        23,
        "invitations",
        "(id, digest, account_id, role, email, created_by, created_at, expires_at, used_at) VALUES \
         ('inv_1', X'EF00', 'acc_1', 'viewer', 'grace@example.com', 'op_1', 53, 54, NULL), \
         ('inv_2', X'EF01', 'acc_2', 'owner', NULL, NULL, 55, 56, 57)",
    ),
    rows(
        23,
        "password_links",
        "(operator_id, digest, created_by, created_at, expires_at, used_at) VALUES \
         ('op_1', X'EF02', 'op_2', 58, 59, NULL), ('op_2', X'EF03', NULL, 60, 61, 62)",
    ),
    rows(
        24,
        "second_factors",
        "(operator_id, secret, created_at, confirmed_at, last_step) VALUES \
         ('op_1', X'EE03', 53, 54, 55), ('op_2', X'EE04', 56, NULL, 0)",
    ),
    rows(24, "recovery_codes", "(operator_id, digest) VALUES ('op_1', X'EE05'), ('op_1', X'EE06')"),
    rows(
        26,
        "key_refusals",
        "(id, account_id, api_key_id, hour, code, source, requests, first_at, last_at, address, user_agent) VALUES \
         ('ref_1', 'acc_1', 'key_1', 55, 'DISABLED', '*', 3, 56, 57, '192.0.2.1', 'curl/8'), \
         ('ref_2', 'acc_2', 'key_2', 55, 'IP_NOT_ALLOWED', '', 1, 58, 58, '', '')",
    ),
    rows(
        26,
        "unknown_keys",
        "(tail, address, requests, first_at, last_at, user_agent) VALUES ('abc9', '192.0.2.1', 4, 59, 60, 'curl/8'), \
         ('abc9', '', 1, 61, 61, '')",
    ),
    rows(26, "refusal_counts", "(day, kind, requests) VALUES (62, 'malformed', 5), (62, 'unlisted', 6)"),
    rows(
        27,
        "leak_reports",
        "(api_key_id, key_secret_id, reports, first_at, last_at, source, url, address, dismissed_at) VALUES \
         ('key_1', 'ksec_1', 2, 55, 56, 'Scanner', 'https://example.com', '192.0.2.1', NULL), \
         ('key_2', 'ksec_2', 1, 57, 57, '', '', '', 58)",
    ),
    rows(
        30,
        "key_actions",
        "(id, account_id, actor_id, actor_name, kind, reason, ends_at, total, state, created_at, updated_at, finished_at) \
         VALUES ('kact_1', 'acc_1', 'op_1', 'Ada', 'disable', 'unused', NULL, 1, 'done', 63, 64, 64), \
         ('kact_2', 'acc_2', NULL, 'root', 'extend', NULL, 99, 1, 'running', 65, 65, NULL)",
    ),
    rows(
        30,
        "key_action_items",
        "(action_id, position, api_key_id, outcome, changed_at, status, status_reason, expires_at, deleted_at) VALUES \
         ('kact_1', 0, 'key_1', 'changed', 64, 'enabled', NULL, NULL, NULL), \
         ('kact_2', 0, 'key_2', 'pending', NULL, NULL, NULL, NULL, NULL)",
    ),
    rows(
        31,
        "key_uses_by_hour",
        "(api_key_id, hour, uses) VALUES ('key_1', 55, 3), ('key_2', 55, 1), ('key_2', 56, 2)",
    ),
    rows(31, "key_use_counting", "(since) VALUES (54)"),
    rows(31, "key_uses_by_day", "(api_key_id, day, uses) VALUES ('key_1', 55, 4), ('key_2', 55, 1)"),
    rows(
        32,
        "message_counts",
        "(account_id, hour, status_group, error, messages) VALUES ('acc_1', 65, 'delivered', '', 3), \
         ('acc_2', 65, 'not_delivered', 'undelivered', 1)",
    ),
    rows(
        32,
        "credit_spending",
        "(account_id, day, api_key_id, credits) VALUES ('acc_1', 66, 'key_1', 3), ('acc_2', 66, '', 1)",
    ),
    rows(
        32,
        "message_count_changes",
        "(id, account_id, api_key_id, hour, old_group, old_error, status_group, error, messages, credits) VALUES \
         ('mcc_1', 'acc_1', 'key_1', 67, '', '', 'waiting', '', 2, 2), \
         ('mcc_2', 'acc_2', '', 67, 'sent', '', 'not_delivered', 'undelivered', 1, -1)",
    ),
    rows(
        36,
        "guards",
        "(holder, account_id, api_key_id, recipient_10_minutes, recipient_day, messages_minute, credits_day, \
         destinations, prefixes, senders, is_offered) VALUES \
         ('acc_1', 'acc_1', NULL, 5, 20, NULL, NULL, 'except', '+881 +979', '', FALSE), \
         ('key_1', 'acc_1', 'key_1', 1, 2, 60, 500, 'only', '+420', 'Shop', FALSE), \
         ('acc_2', 'acc_2', NULL, NULL, NULL, NULL, NULL, 'any', '', '', TRUE)",
    ),
    rows(
        36,
        "guard_counts",
        "(holder, kind, rehearsed, begins, used, warned) VALUES ('key_1', 'messages', FALSE, 68, 3, 0), \
         ('key_1', 'credits', FALSE, 0, 450, 80), ('key_1', 'messages', TRUE, 68, 1, 0)",
    ),
    rows(
        37,
        "message_count_changes",
        "(id, account_id, api_key_id, hour, old_group, old_error, status_group, error, messages, credits, carrier) VALUES \
         ('mcc_1', 'acc_1', 'key_1', 67, '', '', 'waiting', '', 2, 2, 'twilio'), \
         ('mcc_2', 'acc_2', '', 67, 'sent', '', 'not_delivered', 'undelivered', 1, -1, '')",
    ),
    rows(
        37,
        "carrier_counts",
        "(carrier, day, status_group, messages) VALUES ('twilio', 66, 'delivered', 3), ('default', 66, 'waiting', 1)",
    ),
    rows(
        11,
        "audit_events",
        "(id, account_id, at, actor_kind, actor_id, actor_name, via, action, target_kind, target_id, target_name, \
         changes, reason, address, user_agent, request_id) VALUES \
         ('aud_1', 'acc_1', 44, 'operator', 'op_1', 'Ada', 'dashboard', 'api_key.created', 'api_key', 'key_1', 'One', \
          '{}', 'why', '192.0.2.1', 'curl/8', 'req_1'), \
         ('aud_2', NULL, 45, 'command_line', NULL, 'root', 'command_line', 'service.created', 'service', 'maps', \
          'Maps', '{\"name\": [\"\", \"Maps\"]}', NULL, NULL, NULL, NULL)",
    ),
];

/// A database as the first `state` migrations leave it, with rows in every table.
pub fn filled_at(db: &Database, state: usize) -> Database {
    let filled = db.empty();
    let mut conn = filled.conn();
    conn.applied_migrations().unwrap(); // makes their table
    for migration in MIGRATIONS.migrations().unwrap().iter().take(state) {
        conn.run_migration(migration).unwrap();
    }
    for insertion in insertions(state, &filled.tables(), filled.is_sqlite()) {
        filled.execute(&insertion);
    }
    filled
}

/// The bytes of these values with the length of digests.
fn with_digests(values: &str) -> String {
    let (first, rest) = values.split_once("X'").unwrap_or((values, ""));
    let digest = |part: &str| {
        let (digits, rest) = part.split_once('\'').unwrap();
        format!("X'{digits:0<64}'{rest}")
    };
    first.to_owned() + &rest.split("X'").filter(|part| !part.is_empty()).map(digest).collect::<String>()
}

/// The statements that fill these tables of a database at the migration
/// `state`.
fn insertions(state: usize, tables: &[String], is_sqlite: bool) -> Vec<String> {
    let fits = |entry: &&SampleRows| entry.since <= state && tables.iter().any(|table| table == entry.table);
    let newest = |entry: &&SampleRows| {
        let later = |other: &&SampleRows| other.table == entry.table && other.since > entry.since;
        !ROWS.iter().filter(fits).any(|other| later(&other))
    };
    ROWS.iter()
        .filter(fits)
        .filter(newest)
        .map(|SampleRows { table, values, .. }| {
            let values = with_digests(values);
            let values = if is_sqlite { values } else { values.replace("X'", r"'\x") };
            format!("INSERT INTO {table} {values}")
        })
        .collect()
}
