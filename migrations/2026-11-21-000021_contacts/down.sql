DROP TABLE kontor.contacts;
DROP INDEX kontor.companies_deleted;
ALTER TABLE kontor.companies
  DROP COLUMN phone_tail,
  DROP COLUMN territory_id,
  DROP COLUMN employees,
  DROP COLUMN postal_code;
DROP FUNCTION kontor.phone_tail(text);
