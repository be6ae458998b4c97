DELETE FROM kontor.secrets WHERE kind = 'sso_providers.client_secret';
DROP TABLE kontor.sso_attempts;
DROP TABLE kontor.sso_identities;
DROP TABLE kontor.sso_providers;
