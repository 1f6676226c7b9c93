-- One project's tables. Never written with a schema: the search path of the transaction says whose they are.
-- No enum, domain or composite type here: each schema's would be a type of its own, and cached plans break.

create table identities (
  id               uuid        primary key,
  schema_id        text        not null,
  state            text        not null check (state in ('active', 'inactive')),
  state_changed_at timestamptz not null,
  traits           jsonb       not null,
  metadata_public  jsonb,
  metadata_admin   jsonb,
  external_id      text        collate "C",
  organization_id  uuid,
  -- A bit set of facts about credentials and addresses: identity::Factors.
  factors          integer     not null default 0,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  constraint identities_external_id_key unique (external_id)
);

create table credentials (
  identity_id uuid        not null references identities on delete cascade,
  kind        text        not null,
  config      jsonb       not null,
  version     integer     not null default 0,
  -- Goes up with each change: what was judged is compared with it before anything is written.
  revision    integer     not null default 1,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  primary key (identity_id, kind)
);

create table identifiers (
  kind        text not null,
  value       text collate "C" not null,
  identity_id uuid not null references identities on delete cascade,
  constraint identifiers_value_key primary key (kind, value)
);
create index identifiers_by_identity on identifiers (identity_id);

create table addresses (
  id          uuid        primary key,
  identity_id uuid        not null references identities on delete cascade,
  purpose     text        not null check (purpose in ('verifiable', 'recovery')),
  via         text        not null check (via in ('email', 'sms')),
  value       text        collate "C" not null,
  verified    boolean     not null default false,
  verified_at timestamptz,
  status      text        not null default 'pending' check (status in ('pending', 'sent', 'completed')),
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  constraint addresses_value_key unique (purpose, via, value)
);
create index addresses_by_identity on addresses (identity_id);

create table sessions (
  id               uuid        primary key,
  -- SHA-256 of the token; the token itself is never stored.
  token_hash       bytea       not null,
  identity_id      uuid        not null references identities on delete cascade,
  active           boolean     not null default true,
  aal              text        not null check (aal in ('aal0', 'aal1', 'aal2')),
  amr              jsonb       not null,
  devices          jsonb       not null,
  authenticated_at timestamptz not null,
  issued_at        timestamptz not null,
  expires_at       timestamptz not null,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  constraint sessions_token_hash_key unique (token_hash)
);
create index sessions_by_identity on sessions (identity_id, created_at desc);
create index sessions_by_age on sessions (created_at desc, id);
create index sessions_by_expiry on sessions (expires_at);

-- Self-service flows of every kind, and stored errors: things that expire by themselves.
create table flows (
  id         uuid        primary key,
  kind       text        not null,
  -- Goes up with each submission: two submissions of one flow cannot both end it.
  version    integer     not null default 1,
  state      jsonb       not null,
  expires_at timestamptz not null,
  created_at timestamptz not null
);
create index flows_by_expiry on flows (expires_at);
