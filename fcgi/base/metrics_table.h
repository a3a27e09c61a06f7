/*
 * metrics_table: names, help texts and bucket bounds of the metrics.  Only
 * metrics*.c use it.
 */
#ifndef BASE_METRICS_TABLE_H
#define BASE_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

/*
 * metrics_counter_name(), metrics_gauge_name() and metrics_histogram_name()
 * return the metric with that number.  For an unused number they return an
 * entry without a name; NULL when all metrics have lower numbers.
 */
const struct metrics_name *metrics_counter_name(int m);
/*
 * Gauges of the same name follow each other; the first of them has the help
 * text.
 */
const struct metrics_name *metrics_gauge_name(int g);
const struct metrics_name *metrics_histogram_name(int h);
/* A hash of the names of all metrics, in their order. */
uint32_t metrics_tables_hash(uint32_t seed);

/* The index under which an HTTP status is counted. */
size_t metrics_status(int status);
/*
 * The label of the index `i` (below METRICS_STATUSES): a status such as "200",
 * or "other".
 */
const char *metrics_status_label(size_t i, char out[8]);
/*
 * metrics_bucket() returns the index of the bucket for a duration, and
 * metrics_bucket_bound() the label `le` (the upper bound) of a bucket.
 */
size_t metrics_bucket(int64_t duration_us);
const char *metrics_bucket_bound(size_t bucket);

#endif
