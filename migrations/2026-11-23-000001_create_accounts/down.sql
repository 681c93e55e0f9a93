DROP TABLE services;
DROP TABLE operators;
DROP TABLE accounts;
DROP TABLE settings;
