/* ledger_metrics: what the last check of the books came to, for /metrics. */
#ifndef WALLET_LEDGER_METRICS_H
#define WALLET_LEDGER_METRICS_H

struct buf;

/* The hook of struct service; says nothing when there was no check yet. */
void ledger_metrics_write(void *app, struct buf *b);

#endif
