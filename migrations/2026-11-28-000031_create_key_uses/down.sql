DELETE FROM settings WHERE name = 'uses_counted_since';
DROP TABLE key_uses_by_day;
DROP TABLE key_uses_by_hour;
