-- The name that a project's configuration gives its session cookie: projects share hosts, so no two may have
-- the same. Null: `ory_session_` and its slug, which nobody else may name.
alter table control.projects add column session_cookie text;

-- Of those that have the same already, the oldest keeps it. The others live on, and are told when their
-- configuration is changed.
with named as (
  select p.id, r.document #>> '{session,cookie,name}' as name,
         row_number() over (partition by r.document #>> '{session,cookie,name}', p.state = 'DELETING'
                            order by p.created_at, p.id) as turn,
         p.state = 'DELETING' as on_its_way
    from control.projects p join control.config_revisions r on r.project = p.id and r.revision = p.config_revision
   where p.state <> 'DELETED')
update control.projects p set session_cookie = named.name
  from named where named.id = p.id and (named.turn = 1 or named.on_its_way);

-- A name is free while its project is deleted; whoever restores that project may find it taken.
create unique index projects_session_cookie_key on control.projects (session_cookie)
  where state not in ('DELETING', 'DELETED');
