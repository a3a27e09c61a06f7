/*
 * ledger_jobs: the scheduled jobs of the ledger.
 *
 *   ledger.expire       each minute: releases holds that have expired
 *   ledger.check        each night: checks what is new in the ledger; each
 *                       Sunday: checks everything, in slices
 *   ledger.statements   on the first of a month: sums up the last month
 *   ledger.forget-keys  each night: deletes idempotency keys older than
 *                       WALLET_IDEMPOTENCY_DAYS
 */
#ifndef WALLET_LEDGER_JOBS_H
#define WALLET_LEDGER_JOBS_H

#include "job/job.h"

extern const struct job_kind ledger_jobs[];
extern const struct job_schedule ledger_schedules[];

#endif
