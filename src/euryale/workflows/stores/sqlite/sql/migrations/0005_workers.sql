-- Who wrote an entry, where that is somebody else than wrote the one before.
ALTER TABLE entries ADD COLUMN worker TEXT NOT NULL DEFAULT '';
