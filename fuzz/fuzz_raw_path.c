/*
 * fuzz_raw_path: raw_path_is_plain() accepts a target if and only if no segment
 * of its path, up to a "#", is "." or "..", no segment but the last is empty,
 * and the path contains no character, encoded or not, at which another program
 * could cut it.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "web/raw_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
holds_hidden(const char *path)
{
	const char *p = path;

	while ((p = strchr(p, '%')) != NULL) {
		if (strncasecmp(p, "%00", 3) == 0 ||
		    strncasecmp(p, "%2e", 3) == 0 ||
		    strncasecmp(p, "%2f", 3) == 0 ||
		    strncasecmp(p, "%5c", 3) == 0)
			return true;
		p++;
	}
	return strchr(path, '\\') != NULL;
}

/*
 * Splits the path at slashes, and looks for a segment that is ".", ".." or
 * empty.  The text before the first slash is not a segment, and the last
 * segment may be empty.
 */
static bool
has_odd_segment(char *path)
{
	char *segment;

	if (strsep(&path, "/") == NULL)
		return false;
	while ((segment = strsep(&path, "/")) != NULL) {
		if (*segment == '\0' && path != NULL)
			return true;
		segment[strcspn(segment, "#")] = '\0';
		if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *target = arena_strndup(a, (const char *)data, len);
	char *path = arena_strndup(a, target, strcspn(target, "?"));
	bool odd = holds_hidden(path) || has_odd_segment(path);

	assert(raw_path_is_plain(target) == !odd);

	arena_free(a);
	return 0;
}
