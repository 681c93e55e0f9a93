DROP TABLE refusal_counts;
DROP TABLE unknown_keys;
DROP TABLE key_refusals;
