/*
 * example: an example of a job handler that is not written in C.
 *
 * The job kind example.factorize runs programs/factorize.py, which keeps a
 * processor busy, reports its progress, and returns the factors as its result.
 */
#ifndef CORE_EXAMPLE_H
#define CORE_EXAMPLE_H

#include "job/job.h"

extern const struct job_kind example_jobs[];

#endif
