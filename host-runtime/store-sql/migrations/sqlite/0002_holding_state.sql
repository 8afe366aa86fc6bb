-- Spans in the order in which `holders` must show them, so that a living holder
-- is met before any number of dead spans. States: 0 open, 1 ended while its
-- document lives, 2 its document is deleted.
ALTER TABLE holdings ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
UPDATE holdings SET state = CASE
    WHEN until IS NULL THEN 0
    WHEN EXISTS (SELECT 1 FROM documents d WHERE d.tenant = holdings.tenant AND d.id = holdings.document) THEN 1
    ELSE 2
END;
DROP INDEX holdings_value;
CREATE INDEX holdings_value ON holdings (tenant, value, state, since DESC, span DESC);
DROP INDEX holdings_open;
CREATE INDEX holdings_document ON holdings (tenant, document, value, state);
