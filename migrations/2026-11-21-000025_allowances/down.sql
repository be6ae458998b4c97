ALTER TABLE kontor.api_clients
  DROP CONSTRAINT api_clients_points,
  DROP COLUMN most_points,
  DROP COLUMN restored_points;
