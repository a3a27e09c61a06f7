/*
 * example: what a handler in another language looks like.
 *
 * The kind example.factorize is programs/factorize.py: a job that keeps a
 * processor busy, says how far it is, and leaves the factors as its result.
 */
#ifndef CORE_EXAMPLE_H
#define CORE_EXAMPLE_H

#include "job/job.h"

extern const struct job_kind example_jobs[];

#endif
