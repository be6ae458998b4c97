DROP TABLE kontor.field_uses;
DROP TABLE kontor.document_uses;
DROP TABLE kontor.document_aliases;
DROP TABLE kontor.documents;
