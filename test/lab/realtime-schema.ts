import { readFileSync } from 'node:fs'

/**
 * Asterisk's realtime tables as its own scripts leave them (asterisk/asterisk, contrib/ast-db-manage/config/versions:
 * 43956d550a44 and its successors to dac2b4c328b8 and abdc9ede147d), with the columns that an account touches and some
 * that it must leave alone. `old`: before abdc9ede147d and dac2b4c328b8, without password_digest and with short ids.
 */
export interface SchemaKind {
  readonly engine: 'postgres' | 'sqlite'
  readonly old?: boolean
  /** On SQLite: the columns of Asterisk's own scripts instead of the few that docs/asterisk.md gives. */
  readonly wide?: boolean
}

export function realtimeSchema({ engine, old = false, wide = false }: SchemaKind): string {
  if (engine === 'postgres') return postgresTypes + wideTables(old, postgresColumns)
  return wide ? wideTables(old, sqliteColumns) : sqliteTables()
}

const postgresTypes = `create type ast_bool_values as enum ('0', '1', 'off', 'on', 'false', 'true', 'no', 'yes');
create type auth_type_values as enum ('md5', 'userpass', 'google_oauth');
create type media_encryption_values as enum ('no', 'sdes', 'dtls');
create type pjsip_redirect_method_values as enum ('user', 'uri_core', 'uri_pjsip');
`

const postgresColumns = {
  yesNo: 'ast_bool_values',
  authType: 'auth_type_values',
  encryption: 'media_encryption_values',
  redirect: 'pjsip_redirect_method_values',
}
const sqliteColumns: typeof postgresColumns = {
  yesNo: 'varchar(5)',
  authType: 'varchar(12)',
  encryption: 'varchar(4)',
  redirect: 'varchar(9)',
}

/** The statements of docs/asterisk.md, read from there: what an admin copies is what is tested. */
function sqliteTables(): string {
  const document = readFileSync(new URL('../../docs/asterisk.md', import.meta.url), 'utf8')
  const statements = document.match(/^ +create table ps_[^;]+;/gm) ?? []
  if (statements.length !== 4) throw new Error('docs/asterisk.md does not give the four tables for SQLite')
  return statements.join('\n')
}

function wideTables(old: boolean, { yesNo, authType, encryption, redirect }: typeof postgresColumns): string {
  const id = `varchar(${old ? 40 : 255}) not null unique`
  return `create table ps_endpoints (
 id ${id},
 transport varchar(40),
 aors varchar(${old ? 200 : 2048}),
 auth varchar(255),
 context varchar(40),
 disallow varchar(200),
 allow varchar(200),
 direct_media ${yesNo},
 force_rport ${yesNo},
 identify_by varchar(80),
 mailboxes varchar(40),
 rewrite_contact ${yesNo},
 rtp_symmetric ${yesNo},
 send_pai ${yesNo},
 callerid varchar(40),
 "100rel" varchar(40),
 trust_id_inbound ${yesNo},
 media_encryption ${encryption},
 device_state_busy_at integer,
 allow_subscribe ${yesNo},
 cos_audio integer,
 message_context varchar(40),
 max_audio_streams integer,
 webrtc ${yesNo},
 set_var text,
 deny varchar(95),
 permit varchar(95),
 outbound_proxy varchar(256),
 outbound_auth varchar(255),
 redirect_method ${redirect},
 media_encryption_optimistic ${yesNo}
);
create table ps_auths (
 id ${id},
 auth_type ${authType},
 nonce_lifetime integer,
 md5_cred varchar(40),
 password varchar(80),
 realm varchar(255),
 username varchar(40)${old ? '' : ',\n password_digest varchar(1024),\n supported_algorithms_uas varchar(1024)'}
);
create table ps_aors (
 id ${id},
 contact varchar(255),
 default_expiration integer,
 mailboxes varchar(80),
 max_contacts integer,
 minimum_expiration integer,
 remove_existing ${yesNo},
 qualify_frequency integer,
 maximum_expiration integer,
 qualify_timeout float,
 outbound_proxy varchar(255),
 support_path ${yesNo}
);
create table ps_contacts (
 id varchar(255) not null unique,
 uri varchar(511),
 expiration_time bigint,
 qualify_frequency integer,
 outbound_proxy varchar(255),
 path text,
 user_agent varchar(255),
 qualify_timeout float,
 reg_server varchar(255),
 authenticate_qualify ${yesNo},
 via_addr varchar(40),
 via_port integer,
 call_id varchar(255),
 endpoint varchar(255),
 prune_on_boot ${yesNo},
 qualify_2xx_only ${yesNo}
);
`
}

/** What an admin wrote into the tables, long before Ringfence. */
export function foreignRows(extension: string): string {
  return `insert into ps_endpoints (id, aors, auth, context, disallow, allow, callerid, mailboxes, media_encryption)
 values ('${extension}', '${extension}', '${extension}', 'from-internal', 'all', 'alaw,gsm', '"Old Owner" <${extension}>', '${extension}@default', 'no');
insert into ps_aors (id, max_contacts, qualify_frequency) values ('${extension}', 1, 30);
insert into ps_auths (id, auth_type, username, password) values ('${extension}', 'userpass', '${extension}', 'by-hand-${extension}');
`
}
