#include "job/job_kinds.h"

#include "base/buf.h"
#include "base/json.h"
#include "db/db.h"
#include "job/job_defaults.h"
#include "job/job_set.h"

enum { KINDS_MAX_BYTES = 256 * 1024 };

static void
put_kind(struct buf *b, const struct job_kind *kind)
{
	const struct job_backoff backoff = job_defaults_backoff(&kind->backoff);

	buf_puts(b, "{\"name\":");
	json_write_string(b, kind->name);
	buf_puts(b, ",\"queue\":");
	json_write_string(b, job_defaults_queue(kind));
	buf_printf(b,
	    ",\"maxAttempts\":%lld,\"backoff\":\"%s\",\"backoffBaseS\":%lld,"
	    "\"backoffMaxS\":%lld}",
	    (long long)job_defaults_max_attempts(kind),
	    job_defaults_policy(backoff.policy), (long long)backoff.base_s,
	    (long long)backoff.max_s);
}

static const struct db_stmt set_kinds = {
	.name = "job_kinds_set",
	.sql = "SELECT job_kinds_set($1)",
	.nargs = 1,
};

enum err
job_kinds_declare(struct db *db, struct arena *a, const struct job_set *set)
{
	const struct job_kind *kind;
	struct buf b;

	buf_init(&b, a, KINDS_MAX_BYTES);
	buf_putc(&b, '[');
	for (int i = 0; (kind = job_set_kind_at(set, i)) != NULL; i++) {
		if (i > 0)
			buf_putc(&b, ',');
		put_kind(&b, kind);
	}
	buf_putc(&b, ']');
	if (buf_failed(&b))
		return ERR_TOO_LARGE;
	return db_run(db, a, &set_kinds, DB_ARGS(b.data), /* ret_rows= */ NULL);
}
