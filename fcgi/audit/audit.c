#include "audit/audit.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/log_events.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "db/db.h"
#include "db/db_listen.h"
#include "web/identity.h"
#include "web/request.h"

enum { OBJECT_MAX_BYTES = 16 * 1024 };

/* Links that are written in one transaction. */
#define CHAIN_MAX "1000"

struct audit_who
audit_who_of(const struct req *r)
{
	return (struct audit_who){
		.actor = r->identity->user_id,
		.kind = "user",
		.address = r->client_ip,
		.request_id = r->request_id,
	};
}

struct audit_who
audit_who_of_command(struct arena *a)
{
	const char *actor = getenv("KEDGE_ACTOR");
	const struct passwd *pw = getpwuid(getuid());

	if (actor == NULL || *actor == '\0')
		actor = pw != NULL ? arena_strdup(a, pw->pw_name)
		                   : arena_printf(a, "uid %ld", (long)getuid());
	return (struct audit_who){ .actor = actor, .kind = "command" };
}

const char *
audit_object(struct arena *a, const struct audit_value *values)
{
	struct buf b;

	buf_init(&b, a, OBJECT_MAX_BYTES);
	buf_putc(&b, '{');
	for (; values->name != NULL; values++) {
		if (b.len > 1)
			buf_putc(&b, ',');
		json_write_string(&b, values->name);
		buf_putc(&b, ':');
		json_write_string(&b, values->value);
	}
	buf_putc(&b, '}');
	return buf_failed(&b) ? NULL : b.data;
}

static const struct db_stmt insert_event = {
	.name = "audit_insert",
	.sql = "INSERT INTO audit_event (actor, actor_kind, acting_as, action,"
	       " object_kind, object_id, address, request_id, before, after)"
	       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.nargs = 10,
};

enum err
audit_write(struct db *tx, struct arena *a, const struct audit_who *who,
    const struct audit_act *act)
{
	return db_run(tx, a, &insert_event,
	    DB_ARGS(who->actor, who->kind, who->acting_as, act->action,
		act->object_kind, act->object_id, who->address, who->request_id,
		act->before, act->after),
	    /* ret_rows= */ NULL);
}

struct audited {
	const struct audit_who *who;
	struct audit_act *act;
	struct audit_act given;
	enum err (*run)(struct db *tx, struct arena *a, void *ctx);
	void *ctx;
};

static enum err
run_audited(struct db *tx, struct arena *a, void *ctx)
{
	struct audited *d = ctx;
	enum err e;

	*d->act = d->given; /* it may be run again */
	e = d->run(tx, a, d->ctx);
	if (e != ERR_OK || d->act->action == NULL)
		return e;
	return audit_write(tx, a, d->who, d->act);
}

enum err
audit_do(struct db *db, struct arena *a, const struct audit_who *who,
    struct audit_act *act,
    enum err (*run)(struct db *tx, struct arena *a, void *ctx), void *ctx)
{
	struct audited d = {
		.who = who, .act = act, .given = *act, .run = run, .ctx = ctx
	};

	return db_transact(db, a, run_audited, &d);
}

static const struct db_stmt chain = {
	.name = "audit_chain",
	.sql = "SELECT linked, last_seq, last_sha256"
	       " FROM audit_chain(" CHAIN_MAX ")",
};
enum { CHAIN_LINKED, CHAIN_SEQ, CHAIN_SHA256 };

void
audit_chain(struct db_listen *l, struct arena *a)
{
	struct db_rows rows;

	if (db_listen_run(l, a, &chain, DB_NO_ARGS, &rows) != ERR_OK ||
	    db_get_i64(&rows, 0, CHAIN_LINKED) == 0)
		return;
	log_event(LOG_INFO, EVENT_AUDIT_CHAIN_EXTENDED,
	    LOG_NUM("seq", db_get_i64(&rows, 0, CHAIN_SEQ)),
	    LOG_TEXT("sha256", db_get_text(&rows, 0, CHAIN_SHA256)),
	    LOG_NUM("linked", db_get_i64(&rows, 0, CHAIN_LINKED)));
}
