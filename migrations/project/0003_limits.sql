-- Guesses and mails, counted across replicas. Unlogged: counting costs no flush, and a crash of PostgreSQL
-- forgives. Each row is a bucket that empties at `free` in `span_seconds`.
create unlogged table counters (
  -- An HMAC of what is counted: neither names nor addresses stand here.
  key          bytea            primary key,
  level        double precision not null,
  free         double precision not null,
  span_seconds double precision not null,
  paused_until timestamptz,
  -- Whether the last one was refused.
  refused      boolean          not null default false,
  counted_at   timestamptz      not null
);
create index counters_by_age on counters (counted_at);
