DROP TABLE kontor.saved_views;
