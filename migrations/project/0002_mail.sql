-- One-time codes and the messages that carry them. Expands only: what served version 1 still works.

-- How often a code was tried in this flow. Counted before the comparison, apart from `version`, so that
-- fifty tries at once are fifty.
alter table flows add column submissions integer not null default 0;

-- Codes to type and tokens of links. Never the secret itself: an HMAC under a key of the project.
create table codes (
  id          uuid        primary key,
  flow_id     uuid        not null references flows on delete cascade,
  -- identity::one_time::Purpose.
  purpose     text        not null check (purpose in ('login', 'registration', 'recovery', 'verification')),
  secret_mac  bytea       not null,
  -- Null in a registration: there is nobody yet.
  identity_id uuid        references identities on delete cascade,
  via         text        not null check (via in ('email', 'sms')),
  -- Where it was sent; empty for one that an administrator handed over.
  address     text        collate "C" not null,
  used_at     timestamptz,
  expires_at  timestamptz not null,
  created_at  timestamptz not null
);
create index codes_by_flow on codes (flow_id);
create index codes_by_identity on codes (identity_id) where identity_id is not null;

-- Outgoing messages. Texts, variables and headers are sealed: they hold codes.
create table messages (
  id            uuid        primary key,
  status        text        not null check (status in ('queued', 'processing', 'sent', 'abandoned')),
  channel       text        not null check (channel in ('email', 'sms')),
  recipient     text        collate "C" not null,
  template_type text        not null,
  -- Whom it is about, when that is somebody: their messages go with them.
  identity_id   uuid        references identities on delete cascade,
  content       bytea       not null,
  -- Attempts begun.
  send_count    integer     not null default 0,
  -- Newest last: [{id, status, error?, created_at, updated_at}].
  dispatches    jsonb       not null default '[]',
  created_at    timestamptz not null,
  updated_at    timestamptz not null
);
create index messages_by_age on messages (created_at desc, id);
create index messages_by_recipient on messages (recipient, created_at desc);
create index messages_by_identity on messages (identity_id) where identity_id is not null;
