#include "adopt_find.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#include "adopt_look.h"

static const char *const level_names[ADOPT_LEVEL__MAX] = {
	[ADOPT_STOP] = "stop",
	[ADOPT_LOCKOUT] = "lockout",
	[ADOPT_LOST] = "lost",
	[ADOPT_NOT_YET] = "not-yet",
	[ADOPT_NOTE] = "note",
	[ADOPT_WORKS] = "works",
};

static const char *const headings[ADOPT_LEVEL__MAX] = {
	[ADOPT_STOP] = "Reasons to stop",
	[ADOPT_LOCKOUT] = "Users who could not sign in",
	[ADOPT_LOST] = "What would be lost",
	[ADOPT_NOT_YET] = "What does not work yet",
	[ADOPT_NOTE] = "To know",
	[ADOPT_WORKS] = "What works",
};

enum { WIDTH = 79 };

/* Prints a paragraph, with every line after the first one indented. */
static void
print_wrapped(const char *first, const char *indent, const char *text)
{
	int column = printf("%s", first);
	bool is_new = true; /* at the beginning of a line */

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (!is_new && column + 1 + (int)len > WIDTH) {
			column = printf("\n%s", indent) - 1;
			is_new = true;
		}
		column += printf("%s%.*s", is_new ? "" : " ", (int)len, text);
		is_new = false;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void
print_level(const struct adopt_findings *found, enum adopt_level level)
{
	if (adopt_count(found, level) == 0)
		return;
	printf("\n%s:\n", headings[level]);
	for (int i = 0; i < found->count; i++) {
		const struct adopt_finding *item = &found->items[i];

		if (item->level != level)
			continue;
		print_wrapped("  - ", "    ", item->what);
		if (item->todo != NULL)
			print_wrapped("    > ", "      ", item->todo);
	}
}

static void
print_users(const struct adopt_facts *f)
{
	printf("Users       %" PRId64 ": %" PRId64 " with a password, %" PRId64
	       " with a password and a provider,\n"
	       "            %" PRId64 " with a provider only, %" PRId64
	       " with neither, %" PRId64 " anonymous;\n"
	       "            %" PRId64 " with a second factor\n",
	    f->users, f->with_password, f->with_both, f->only_provider,
	    f->with_none, f->anonymous, f->second_factor);
	for (int i = 0; i < f->nproviders; i++)
		printf("            %s: %" PRId64 " user%s, %" PRId64
		       " without a password\n",
		    f->providers[i].name, f->providers[i].users,
		    f->providers[i].users == 1 ? "" : "s",
		    f->providers[i].users_without_password);
}

void
adopt_print(const struct adopt_facts *f, const struct adopt_findings *found)
{
	const struct adopt_column *id = adopt_find_column(f, "user", "id");
	const struct adopt_table *user = adopt_find_table(f, "user");

	printf("Database    %s, PostgreSQL %s, %" PRId64 " KiB\n", f->database,
	    f->version, f->database_bytes / 1024);
	printf("Role        %s%s%s; the tables belong to %s\n", f->user,
	    f->is_superuser ? ", a superuser" : "",
	    f->may_create_roles && !f->is_superuser ? ", may create roles" : "",
	    user != NULL ? user->owner : "nobody");
	printf("BetterAuth  %s; ids: %s\n", f->line,
	    id != NULL ? id->type : "none");
	print_users(f);
	for (enum adopt_level level = 0; level < ADOPT_LEVEL__MAX; level++)
		print_level(found, level);
	if (found->fields != NULL)
		printf("\nYour columns, for AUTH_ADDITIONAL_FIELDS; compare "
		       "with the options of your server:\n  %s\n",
		    found->fields);
}

static void
write_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "\"%s\":", name);
	json_write_string(b, value);
	buf_putc(b, ',');
}

static void
write_tables(struct buf *b, const struct adopt_facts *f)
{
	buf_puts(b, "\"tables\":[");
	for (int i = 0; i < f->ntables; i++) {
		const struct adopt_table *t = &f->tables[i];

		buf_puts(b, i > 0 ? ",{" : "{");
		write_member(b, "name", t->name);
		write_member(b, "owner", t->owner);
		write_member(
		    b, "plugin", t->plugin != NULL ? t->plugin->name : NULL);
		buf_printf(b, "\"rows\":%" PRId64 ",\"bytes\":%" PRId64 "}",
		    t->rows, t->bytes);
	}
	buf_puts(b, "],\"columns\":[");
	for (int i = 0, n = 0; i < f->ncolumns; i++) {
		const struct adopt_column *c = &f->columns[i];

		if (c->is_core || c->plugin != NULL)
			continue;
		buf_puts(b, n++ > 0 ? ",{" : "{");
		write_member(b, "table", c->table);
		write_member(b, "name", c->name);
		write_member(b, "type", c->type);
		buf_printf(b, "\"required\":%s,\"filled\":%" PRId64 "}",
		    c->is_required ? "true" : "false", c->filled);
	}
	buf_puts(b, "],");
}

static void
write_users(struct buf *b, const struct adopt_facts *f)
{
	buf_printf(b,
	    "\"users\":{\"total\":%" PRId64 ",\"password\":%" PRId64
	    ",\"passwordAndProvider\":%" PRId64 ",\"providerOnly\":%" PRId64
	    ",\"none\":%" PRId64 ",\"anonymous\":%" PRId64
	    ",\"secondFactor\":%" PRId64 ",\"lockedOut\":%" PRId64
	    ",\"liveSessions\":%" PRId64 ",\"providers\":{",
	    f->users, f->with_password, f->with_both, f->only_provider,
	    f->with_none, f->anonymous, f->second_factor, f->locked_out,
	    f->live_sessions);
	for (int i = 0; i < f->nproviders; i++) {
		if (i > 0)
			buf_putc(b, ',');
		json_write_string(b, f->providers[i].name);
		buf_printf(b, ":%" PRId64, f->providers[i].users);
	}
	buf_puts(b, "}},");
}

void
adopt_write_json(struct buf *b, const struct adopt_facts *f,
    const struct adopt_findings *found, int64_t accepted)
{
	const struct adopt_column *id = adopt_find_column(f, "user", "id");

	buf_putc(b, '{');
	write_member(b, "database", f->database);
	write_member(b, "postgres", f->version);
	write_member(b, "role", f->user);
	write_member(b, "schema", f->line);
	write_member(b, "ids", id != NULL ? id->type : NULL);
	write_users(b, f);
	write_tables(b, f);
	buf_printf(
	    b, "\"acceptedLockout\":%" PRId64 ",\"findings\":[", accepted);
	for (int i = 0; i < found->count; i++) {
		const struct adopt_finding *item = &found->items[i];

		buf_puts(b, i > 0 ? ",{" : "{");
		write_member(b, "level", level_names[item->level]);
		write_member(b, "what", item->what);
		buf_puts(b, "\"todo\":");
		json_write_string(b, item->todo);
		buf_putc(b, '}');
	}
	buf_puts(b, "]}\n");
}
