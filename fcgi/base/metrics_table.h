/* metrics_table: names, help texts and bounds; private to metrics*.c. */
#ifndef BASE_METRICS_TABLE_H
#define BASE_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

/* The row of a number; NULL: there is none, nor of any number above. */
const struct metrics_name *metrics_counter_name(int m);
/* Gauges of one name stand side by side; the first has the help text. */
const struct metrics_name *metrics_gauge_name(int g);
const struct metrics_name *metrics_histogram_name(int h);
/* Of all names, in their order. */
uint32_t metrics_tables_hash(uint32_t seed);

/* The cell of a status; `out` of metrics_status_label() is its label. */
size_t metrics_status(int status);
/* "200", or "other"; `i` is below METRICS_STATUSES. */
const char *metrics_status_label(size_t i, char out[8]);
/* The bucket of a duration, and the label `le` of a bucket. */
size_t metrics_bucket(int64_t duration_us);
const char *metrics_bucket_bound(size_t bucket);

#endif
