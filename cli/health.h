/* health: asks the services of the running stack whether they are ready. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

#include <stdbool.h>

struct arena;

struct health {
	bool ready;
	/* what the service says about itself, as JSON; NULL: it did not answer
	 */
	const char *answer;
	/*
	 * The dependencies that are away, for people; "" if there are none. A
	 * service without Redis is slower, but ready.
	 */
	const char *problem;
};

/*
 * Asks one service at the address that site_monitoring() returns; waits for two
 * seconds at most. Call http_client_init() before.
 */
struct health
health_ask(struct arena *a, const char *monitoring, const char *service);

#endif
