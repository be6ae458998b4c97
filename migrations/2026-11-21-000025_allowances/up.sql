-- What a program may spend, where that is not what the server gives everybody.
ALTER TABLE kontor.api_clients
  ADD COLUMN most_points integer,
  ADD COLUMN restored_points integer,
  ADD CONSTRAINT api_clients_points CHECK (most_points > 0 AND restored_points > 0);
