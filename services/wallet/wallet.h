/* wallet: the service's configuration, which its parts share. */
#ifndef WALLET_WALLET_H
#define WALLET_WALLET_H

#include "app/service_main.h"

struct wallet_config {
	struct service_config shared;
	const char *currency; /* currency of a new user's first account */
	int64_t idempotency_days;
	/* transfers in batches that a user may make in 60 s; 0: no limit */
	int64_t batch_rate;
};

#endif
