#include "core/example/example.h"

enum { DIGITS_MAX = 100, TIME_LIMIT_S = 60, ATTEMPTS_MAX = 3 };

struct factorize_in {
	const char *number;
};

/* clang-format off */
static const struct field factorize_fields[] = {
	{ FIELD(struct factorize_in, number, "number"), .required = true,
	  .min = 1, .max = DIGITS_MAX,
	  .doc = "A whole number above 0, in decimal digits." },
	{ 0 },
};

const struct job_kind example_jobs[] = {
	{ .name = "example.factorize",
	  .program = "factorize.py",
	  .payload = SCHEMA(struct factorize_in, factorize_fields),
	  .queue = "cpu",
	  .time_limit_s = TIME_LIMIT_S,
	  .max_attempts = ATTEMPTS_MAX },
	{ 0 },
};
/* clang-format on */
