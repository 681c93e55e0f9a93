DROP TABLE previous_callback_secrets;
