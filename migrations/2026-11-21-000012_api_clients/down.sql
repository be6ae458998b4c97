DROP TABLE kontor.api_client_uses;
DROP TABLE kontor.api_client_secrets;
DROP TABLE kontor.api_clients;
