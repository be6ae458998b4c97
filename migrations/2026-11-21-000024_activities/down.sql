DROP TABLE kontor.activities;
