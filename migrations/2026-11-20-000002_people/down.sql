DROP TABLE kontor.memberships;
DROP TABLE kontor.users;
DROP TABLE kontor.tenants;
