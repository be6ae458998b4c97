DROP TABLE kontor.company_tags;
DROP TABLE kontor.tags;
