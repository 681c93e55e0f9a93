DROP TABLE callback_deliveries;
DROP TABLE api_key_callbacks;
