DROP TABLE kontor.companies;
