DROP TABLE kontor.sign_in_attempts;
