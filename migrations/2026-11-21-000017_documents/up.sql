-- Documents that programs and front ends have registered, so that they send an id instead of the
-- text. Who registers holds the client's row, so that the same document is never there twice.
CREATE TABLE kontor.documents (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  -- SHA-256 of the body.
  hash bytea NOT NULL,
  name text NOT NULL,
  name_key text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
  body text NOT NULL,
  cost integer NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT documents_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT documents_hash_key UNIQUE (tenant_id, client_id, hash),
  CONSTRAINT documents_hash_length CHECK (octet_length(hash) = 32),
  CONSTRAINT documents_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  CONSTRAINT documents_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.documents');
-- The trail needs no second copy of the text: the hash says which it was.
SELECT kontor.secure('kontor.documents', '{body}');
CREATE INDEX documents_by_hash ON kontor.documents (tenant_id, hash, id);
CREATE INDEX documents_by_name ON kontor.documents (tenant_id, name_key, id);
CREATE INDEX documents_by_creation ON kontor.documents (tenant_id, created_at, id);
CREATE INDEX documents_of_client ON kontor.documents (tenant_id, client_id, created_at, id);

-- What else a document is called: the id that a client's build tool gave it.
CREATE TABLE kontor.document_aliases (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  document_id uuid NOT NULL,
  alias text NOT NULL,
  CONSTRAINT document_aliases_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT document_aliases_alias_key UNIQUE (tenant_id, client_id, alias),
  CONSTRAINT document_aliases_alias_length CHECK (char_length(alias) BETWEEN 1 AND 200),
  CONSTRAINT document_aliases_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT document_aliases_document_fkey FOREIGN KEY (tenant_id, document_id)
    REFERENCES kontor.documents (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.document_aliases');
SELECT kontor.secure('kontor.document_aliases');
CREATE INDEX document_aliases_by_alias ON kontor.document_aliases (tenant_id, alias);
CREATE INDEX document_aliases_of_document ON kontor.document_aliases (tenant_id, document_id);

-- How often a client asked a document, registered or not, and when last. Known by the hash, so
-- that what is registered later has its past.
CREATE TABLE kontor.document_uses (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  hash bytea NOT NULL,
  name text,
  uses bigint NOT NULL,
  last_used_at timestamptz NOT NULL,
  CONSTRAINT document_uses_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT document_uses_hash_key UNIQUE (tenant_id, client_id, hash),
  CONSTRAINT document_uses_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.document_uses');
SELECT kontor.isolate('kontor.document_uses');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.document_uses TO kontor_app, kontor_worker;
CREATE INDEX document_uses_of_client ON kontor.document_uses (tenant_id, client_id, last_used_at);

-- How often a client asked a field of the schema, such as Company.name, and when last.
CREATE TABLE kontor.field_uses (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  field text NOT NULL,
  uses bigint NOT NULL,
  last_used_at timestamptz NOT NULL,
  CONSTRAINT field_uses_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT field_uses_field_key UNIQUE (tenant_id, client_id, field),
  CONSTRAINT field_uses_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES kontor.api_clients (tenant_id, id) ON DELETE CASCADE
);
SELECT kontor.distribute('kontor.field_uses');
SELECT kontor.isolate('kontor.field_uses');
GRANT SELECT, INSERT, UPDATE, DELETE ON kontor.field_uses TO kontor_app, kontor_worker;
CREATE INDEX field_uses_by_field ON kontor.field_uses (tenant_id, field, client_id);
