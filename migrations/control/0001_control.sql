-- The control schema of a cluster. Roles, grants and row-level security are not here: their names
-- carry the installation's random prefix, so `tenants/src/roles.rs` writes them after each migration.
create schema control;

create table control.migrations (
  version    integer     primary key,
  applied_at timestamptz not null default now()
);

-- One row: who this installation is.
create table control.installation (
  only_row   boolean     primary key default true check (only_row),
  prefix     text        not null check (prefix ~ '^i[a-z0-9]{5}$'),
  created_at timestamptz not null default now()
);

-- Home cluster only: where projects can live.
create table control.clusters (
  id         smallint primary key,
  dsn_ref    text     not null,
  tenant_cap integer  not null,
  open       boolean  not null
);
insert into control.clusters (id, dsn_ref, tenant_cap, open) values (1, 'DATABASE_URL', 2000, true);

-- Home cluster only: the directory. A deleted project's row stays, so that its slug is never used again.
create table control.projects (
  id              uuid        primary key,
  slug            text        not null,
  name            text        not null,
  environment     text        not null check (environment in ('DEVELOPMENT', 'STAGING', 'PRODUCTION')),
  state           text        not null check (state in ('CREATING', 'ACTIVE', 'SUSPENDED', 'MOVING', 'DELETING', 'DELETED')),
  -- What to return to when a deletion is undone.
  state_before    text        check (state_before in ('ACTIVE', 'SUSPENDED')),
  purge_at        timestamptz,
  cluster         smallint    not null references control.clusters,
  slot            integer     not null,
  data_key        bytea       not null,
  config_revision integer     not null,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  constraint projects_slug_key unique (slug),
  constraint projects_slot_key unique (cluster, slot)
);

-- Schemas and roles made ahead of the projects that will live in them. A slot is never used twice.
create sequence control.slot_numbers as integer minvalue 1;
create table control.slots (
  slot           integer primary key,
  db_role        text    not null unique,
  -- ROLE: its role exists; SPARE: schema and tables too; USED; DROPPED: schema gone; GONE: role too.
  state          text    not null check (state in ('ROLE', 'SPARE', 'USED', 'DROPPED', 'GONE')),
  schema_version integer not null,
  project        uuid    unique
);
create index slots_by_state on control.slots (state, slot) where state <> 'USED' and state <> 'GONE';

-- Every accepted configuration; secrets inside are sealed with the project's data key.
create table control.config_revisions (
  project    uuid        not null,
  revision   integer     not null,
  document   jsonb       not null,
  diff       jsonb       not null,
  author     text        not null,
  created_at timestamptz not null,
  primary key (project, revision)
);

-- A null project (home cluster only) is a key of the installation.
create table control.api_keys (
  id          uuid        primary key,
  project     uuid,
  name        text        not null,
  role        text        not null check (role in ('OWNER', 'ADMIN', 'VIEWER')),
  secret_hash bytea       not null,
  author      text        not null,
  created_at  timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz
);
create index api_keys_by_project on control.api_keys (project);

-- Home cluster only: the audit trail of what was done to the installation.
create table control.events (
  id      uuid        primary key,
  at      timestamptz not null,
  actor   text        not null,
  action  text        not null,
  project uuid,
  details jsonb       not null
);
create index events_by_time on control.events (at desc);

-- One queue for all projects. No column names the project: row-level security ties a row to the role
-- that wrote it, so there is nothing to forge. It holds references, never a body or a secret.
create table control.jobs (
  id          uuid        primary key,
  db_role     text        not null default current_user,
  kind        text        not null,
  ref         uuid,
  -- 0 waiting, 1 leased, 2 abandoned
  state       smallint    not null default 0,
  run_at      timestamptz not null,
  attempts    integer     not null default 0,
  lease_until timestamptz,
  last_error  text,
  created_at  timestamptz not null
);
create index jobs_due on control.jobs (db_role, run_at) where state = 0;
create index jobs_leased on control.jobs (lease_until) where state = 1;

-- What caches must forget. Read by watermark, pruned by watermark (never by time).
create table control.invalidation (
  xid     xid8 not null default pg_current_xact_id(),
  db_role text not null default current_user,
  key     uuid not null
);
create index invalidation_by_xid on control.invalidation (xid);
