/* ledger_metrics: the result of the last ledger check, for /metrics. */
#ifndef WALLET_LEDGER_METRICS_H
#define WALLET_LEDGER_METRICS_H

struct buf;

/*
 * A hook of struct service: writes the metrics. Writes nothing when no check
 * has been made yet.
 */
void ledger_metrics_write(void *app, struct buf *b);

#endif
