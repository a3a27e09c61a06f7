/* wallet: the configuration, shared by the parts of the service. */
#ifndef WALLET_WALLET_H
#define WALLET_WALLET_H

#include "app/service_main.h"

struct wallet_config {
	struct service_config shared;
	const char *currency; /* of a new user's account */
	int64_t idempotency_days;
	int64_t
	    batch_rate; /* transfers in batches per user in 60 s; 0: no limit */
};

#endif
