/*
 * job_kinds: what the kinds say of themselves, told to the database for SQL
 * that enqueues.
 */
#ifndef JOB_JOB_KINDS_H
#define JOB_JOB_KINDS_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct job_set;

MUST_CHECK enum err
job_kinds_declare(struct db *db, struct arena *a, const struct job_set *set);

#endif
