DROP TABLE password_links;
DROP TABLE invitations;
