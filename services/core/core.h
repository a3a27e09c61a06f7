/* core: the service's configuration, which its parts share. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdint.h>

#include "app/service_main.h"

struct core_config {
	struct service_config shared;
	int64_t tasks_max; /* largest number of tasks per user */
	int64_t task_bytes_max;
	int64_t idempotency_hours;
	int64_t idempotency_keys_max;
};

#endif
