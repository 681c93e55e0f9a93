DROP TABLE key_action_items;
DROP TABLE key_actions;
