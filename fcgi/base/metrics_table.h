/* metrics_table: names, help texts and bucket bounds; private to metrics*.c. */
#ifndef BASE_METRICS_TABLE_H
#define BASE_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

/*
 * The row with that number; NULL when there is neither that row nor any after
 * it.
 */
const struct metrics_name *metrics_counter_name(int m);
/* Gauges of the same name are adjacent; the first has the help text. */
const struct metrics_name *metrics_gauge_name(int g);
const struct metrics_name *metrics_histogram_name(int h);
/* A hash of all names, in their order. */
uint32_t metrics_tables_hash(uint32_t seed);

/*
 * The index of a status in the table; metrics_status_label() gives its label.
 */
size_t metrics_status(int status);
/* The label of a status: "200", or "other"; `i` is below METRICS_STATUSES. */
const char *metrics_status_label(size_t i, char out[8]);
/* The bucket of a duration, and the label `le` of a bucket. */
size_t metrics_bucket(int64_t duration_us);
const char *metrics_bucket_bound(size_t bucket);

#endif
