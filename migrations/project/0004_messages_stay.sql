-- A message outlives whom it is about: whoever deletes an account must not silence what it says to others.
alter table messages
  drop constraint messages_identity_id_fkey,
  add constraint messages_identity_id_fkey foreign key (identity_id) references identities on delete set null;
