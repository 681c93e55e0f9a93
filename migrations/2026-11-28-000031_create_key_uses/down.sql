DROP TABLE key_use_counting;
DROP TABLE key_uses_by_day;
DROP TABLE key_uses_by_hour;
