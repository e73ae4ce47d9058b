CREATE TABLE currencies (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL
);
