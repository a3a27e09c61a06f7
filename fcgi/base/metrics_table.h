/* metrics_table: names, help texts and bounds; private to metrics*.c. */
#ifndef BASE_METRICS_TABLE_H
#define BASE_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"

struct metrics_name {
	const char *name;
	const char *label; /* of a gauge that shares its name: state="idle" */
	const char *help;
};

extern const struct metrics_name metrics_counters[METRIC__MAX];
/* Those of one name stand side by side; the first has the help text. */
extern const struct metrics_name metrics_gauges[GAUGE__MAX];
extern const struct metrics_name metrics_histograms[HISTOGRAM__MAX];

/* The cell of a status; `out` of metrics_status_label() is its label. */
size_t metrics_status(int status);
/* "200", or "other"; `i` is below METRICS_STATUSES. */
const char *metrics_status_label(size_t i, char out[8]);
/* The bucket of a duration, and the label `le` of a bucket. */
size_t metrics_bucket(int64_t duration_us);
const char *metrics_bucket_bound(size_t bucket);

#endif
