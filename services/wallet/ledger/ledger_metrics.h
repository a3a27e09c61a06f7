/* ledger_metrics: the result of the last ledger check, for /metrics. */
#ifndef WALLET_LEDGER_METRICS_H
#define WALLET_LEDGER_METRICS_H

struct buf;

/* The hook of struct service; writes nothing when no check was made yet. */
void ledger_metrics_write(void *app, struct buf *b);

#endif
