#include "migration_file.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#include "message.h"

/* -- earlier checksums -- */

#define FORMERLY "-- kedge: formerly"

/*
 * Finds the next FORMERLY in the comments before the first statement and
 * returns the text after it; NULL: there is no other.
 */
static const char *
next_former(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (!str_has_prefix(s, "--"))
			return NULL;
		if (str_has_prefix(s, FORMERLY))
			return s + strlen(FORMERLY);
		s += strcspn(s, "\n");
	}
}

static bool
is_checksum_line(const char *s)
{
	return s[0] == ' ' &&
	       strspn(s + 1, "0123456789abcdef") == SHA256_HEX_SIZE - 1 &&
	       strchr("\r\n", s[SHA256_HEX_SIZE]) != NULL;
}

bool
migration_file_check(const struct migration *m, const char *path)
{
	const char *s;

	for (s = next_former(m->text); s != NULL; s = next_former(s)) {
		if (!is_checksum_line(s)) {
			print_error(
			    "%s: expected \"" FORMERLY
			    "\", a blank and a SHA-256 of 64 hexadecimal "
			    "digits in lower case",
			    path);
			return false;
		}
		s += strcspn(s, "\n");
	}
	return true;
}

bool
migration_file_had(const struct migration *m, const char *checksum)
{
	const char *s;

	if (str_eq(checksum, m->checksum))
		return true;
	if (strlen(checksum) != SHA256_HEX_SIZE - 1)
		return false;
	for (s = next_former(m->text); s != NULL; s = next_former(s)) {
		if (str_has_prefix(s + 1, checksum))
			return true;
		s += strcspn(s, "\n");
	}
	return false;
}

/* -- files without a transaction -- */

#define MARKER "-- kedge: no transaction\n"

/* Skips blanks, line ends and comment lines. */
static const char *
skip_blank(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (!str_has_prefix(s, "--"))
			return s;
		s += strcspn(s, "\n");
	}
}

/*
 * Skips the given words, in upper or lower case. Returns NULL if the text does
 * not begin with them.
 */
static const char *
skip_words(const char *s, const char *words)
{
	while (s != NULL && *words != '\0') {
		size_t len = strcspn(words, " ");

		s = skip_blank(s);
		if (strncasecmp(s, words, len) != 0 ||
		    strchr(" \t\r\n", s[len]) == NULL)
			return NULL;
		s += len;
		words += len;
		words += strspn(words, " ");
	}
	return s;
}

/*
 * Returns the name of the index that the statement creates or drops; NULL: the
 * statement is not one of the three allowed forms.
 */
static const char *
index_name(struct arena *a, const char *text)
{
	static const char *const forms[] = {
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS",
		"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS",
		"DROP INDEX CONCURRENTLY IF EXISTS",
	};
	const char *name = NULL;
	size_t len;

	for (size_t i = 0; name == NULL && i < COUNT_OF(forms); i++)
		name = skip_words(text, forms[i]);
	if (name == NULL)
		return NULL;
	name = skip_blank(name);
	len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (len == 0 || strchr(" \t\r\n;", name[len]) == NULL)
		return NULL;
	return arena_strndup(a, name, len);
}

bool
migration_file_index(
    struct arena *a, const struct migration *m, const char **ret_name)
{
	*ret_name = NULL;
	if (!str_has_prefix(m->text, MARKER))
		return true;
	*ret_name = index_name(a, m->text);
	return *ret_name != NULL;
}
