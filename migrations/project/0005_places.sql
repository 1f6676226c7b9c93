-- A visitor who was told to wait where everybody waits has a place from then on.
alter table counters add column due timestamptz;

-- From where an identity signed in. The network is an HMAC: no address stands here.
create table known_networks (
  identity_id uuid  not null references identities on delete cascade,
  network     bytea not null,
  seen_on     date  not null,
  primary key (identity_id, network)
);
create index known_networks_by_age on known_networks (seen_on);
