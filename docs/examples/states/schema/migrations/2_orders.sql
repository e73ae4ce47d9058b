CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    currency TEXT NOT NULL REFERENCES currencies (code),
    cents INTEGER NOT NULL
);
CREATE INDEX orders_by_currency ON orders (currency);
