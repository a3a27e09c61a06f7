#include "nginx_binary.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "message.h"
#include "tool.h"

/* nginx resolves the names of upstreams when it reads the configuration. */
enum { TEST_TIMEOUT_MS = 60000, VERSION_TIMEOUT_MS = 10000 };

/* Reads "nginx version: nginx/1.22.1" as 1022001; 0: there is no version. */
static int
read_version(const char *text)
{
	static const char before[] = "nginx/";
	const char *at = strstr(text, before);
	long parts[3];
	char *end;

	if (at == NULL)
		return 0;
	at += strlen(before);
	for (int i = 0; i < 3; i++) {
		parts[i] = strtol(at, &end, 10);
		if (end == at || parts[i] < 0 || parts[i] > 999 ||
		    (i < 2 && *end != '.'))
			return 0;
		at = end + 1;
	}
	return (int)((parts[0] * 1000 + parts[1]) * 1000 + parts[2]);
}

struct nginx_features
nginx_binary_features(struct arena *a)
{
	const char *argv[] = { tool_look_for(a, "nginx"), "-V", NULL };
	struct nginx_features features = { 0 };
	const char *text;

	if (argv[0] == NULL || command_run(a,
				   &(struct command){ .argv = argv,
				       .joins_errors = true,
				       .timeout_ms = VERSION_TIMEOUT_MS },
				   &text) != 0)
		return features;
	features.has_http2_directive = read_version(text) >= 1025001;
	features.has_http3 = features.has_http2_directive &&
	                     strstr(text, "--with-http_v3_module") != NULL;
	return features;
}

bool
nginx_binary_accepts(struct arena *a, const char *config)
{
	const char *argv[] = { tool_look_for(a, "nginx"), "-t", "-q", "-e",
		"stderr", "-c", config, NULL };
	const char *text;
	int status;

	if (argv[0] == NULL) {
		print_message("nginx is not installed, so its configuration "
			      "was not tested");
		return true;
	}
	status = command_run(a,
	    &(struct command){ .argv = argv,
		.joins_errors = true,
		.timeout_ms = TEST_TIMEOUT_MS },
	    &text);
	if (status == 0)
		return true;
	if (status > 0)
		print_error("nginx refuses the configuration:\n%s", text);
	return false;
}
