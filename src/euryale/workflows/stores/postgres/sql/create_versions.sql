CREATE TABLE versions (number integer PRIMARY KEY, migrated_at timestamptz NOT NULL DEFAULT now());
