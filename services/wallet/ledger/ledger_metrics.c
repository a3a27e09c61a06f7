#include "wallet/ledger/ledger_metrics.h"

#include "app/service_process.h"
#include "base/arena.h"
#include "base/buf.h"
#include "wallet/ledger/ledger_check_store.h"

static void
put_gauge(struct buf *b, const char *name, const char *help, int64_t value)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
	buf_printf(b, "%s{service=\"wallet\"} %lld\n", name, (long long)value);
}

void
ledger_metrics_write(void *app, struct buf *b)
{
	struct service_process *wallet = app;
	struct arena *a = arena_new();
	struct ledger_last_check last;

	if (ledger_find_last_check(wallet->db, a, &last) == ERR_OK) {
		put_gauge(b, "kedge_ledger_checked_timestamp_seconds",
		    "When the books were last checked.", last.at_s);
		put_gauge(b, "kedge_ledger_full_check_timestamp_seconds",
		    "When everything in them was last checked.",
		    last.full_at_s);
		put_gauge(b, "kedge_ledger_mismatches",
		    "What was wrong with them in the last full check and in "
		    "the last of what is new; of many, the first 100.",
		    last.nmismatches);
	}
	arena_free(a);
}
