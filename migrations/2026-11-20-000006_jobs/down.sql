REVOKE INSERT ON kontor.users FROM kontor_app;
DROP TABLE kontor.access_requests;
DROP TABLE kontor.invitations;
DROP TABLE kontor.password_resets;
DROP TABLE kontor.schedules;
DROP FUNCTION kontor.tenants_with_work(timestamptz, integer);
DROP TABLE kontor.jobs;
