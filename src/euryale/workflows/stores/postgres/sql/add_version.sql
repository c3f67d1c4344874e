INSERT INTO versions (number) VALUES ($1);
