-- Finds the oldest events that may be forgotten, past any number of unsettled ones.
CREATE INDEX events_settled ON events (tenant, seq) WHERE settled = 1;
