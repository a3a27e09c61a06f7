/*
 * ledger_jobs: what the ledger does by the clock.
 *
 *   ledger.expire       each minute: gives back holds whose time is over
 *   ledger.check        each night: what is new in the books is right, or an
 *                       error line; each Sunday: everything, in slices
 *   ledger.statements   on the first of a month: what the last one came to
 *   ledger.forget-keys  each night: keys older than WALLET_IDEMPOTENCY_DAYS
 */
#ifndef WALLET_LEDGER_JOBS_H
#define WALLET_LEDGER_JOBS_H

#include "job/job.h"

extern const struct job_kind ledger_jobs[];
extern const struct job_schedule ledger_schedules[];

#endif
