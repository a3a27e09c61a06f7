#include "backup_manifest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"

#include "command.h"
#include "file.h"
#include "message.h"

bool
backup_is_name(const char *name)
{
	static const char shape[] = BACKUP_PREFIX "dddddddd"
						  "Tdddddd"
						  "Z";
	size_t i;

	for (i = 0; shape[i] != '\0'; i++)
		if (shape[i] == 'd' && i >= strlen(BACKUP_PREFIX)
			? name[i] < '0' || name[i] > '9'
			: name[i] != shape[i])
			return false;
	return name[i] == '\0';
}

bool
backup_file_read(struct arena *a, const char *dir, const char *name,
    struct backup_file *ret_file)
{
	const char *path = arena_printf(a, "%s/%s", dir, name);
	const char *const argv[] = { "sha256sum", "-b", "--", path, NULL };
	const char *output;
	struct stat st;

	if (stat(path, &st) == -1) {
		print_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	if (!command_check(a, &(struct command){ .argv = argv }, &output))
		return false;
	/* sha256sum puts a backslash before the sum if the path has one. */
	output += *output == '\\';
	*ret_file = (struct backup_file){
		.name = name,
		.sha256 = arena_strndup(a, output, SHA256_HEX_SIZE - 1),
		.bytes = st.st_size,
	};
	return true;
}

/* -- writing -- */

static void
put_file(struct buf *b, const struct backup_file *f)
{
	buf_puts(b, "\"file\": ");
	json_write_string(b, f->name);
	buf_printf(b, ", \"bytes\": %lld, \"sha256\": ", (long long)f->bytes);
	json_write_string(b, f->sha256);
}

bool
backup_manifest_write(
    struct arena *a, const char *path, const struct backup_manifest *m)
{
	struct buf b;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_puts(&b, "{\n  \"madeBy\": \"kedge backup\",\n  \"version\": ");
	json_write_string(&b, m->version);
	buf_puts(&b, ",\n  \"createdAt\": ");
	json_write_string(&b, m->created_at);
	if (m->secrets.name != NULL) {
		buf_puts(&b, ",\n  \"secrets\": {");
		put_file(&b, &m->secrets);
		buf_putc(&b, '}');
	}
	buf_puts(&b, ",\n  \"databases\": [");
	for (i = 0; i < m->ndatabases; i++) {
		buf_puts(&b,
		    i == 0 ? "\n    {\"service\": " : ",\n    {\"service\": ");
		json_write_string(&b, m->databases[i].service);
		buf_puts(&b, ", ");
		put_file(&b, &m->databases[i].file);
		buf_puts(&b, ",\n      ");
		backup_content_write(&b, &m->databases[i].content);
		buf_puts(&b, "}");
	}
	buf_puts(&b, "]\n}\n");
	if (buf_failed(&b)) {
		print_error("%s: the manifest would be too large", path);
		return false;
	}
	return file_write(a, path, 0600, b.data);
}

/* -- reading -- */

static bool
parse_file(const struct json *j, struct backup_file *ret)
{
	ret->name = json_member_string(j, "file");
	ret->sha256 = json_member_string(j, "sha256");
	/* A name with "/" would lead out of the directory. */
	return ret->name != NULL && ret->sha256 != NULL &&
	       strchr(ret->name, '/') == NULL &&
	       json_member_int(j, "bytes", &ret->bytes);
}

static bool
parse(struct arena *a, const struct json *j, struct backup_manifest *m)
{
	const struct json *databases = json_member(j, "databases");
	const struct json *secrets = json_member(j, "secrets");
	const struct json *item;
	size_t i;

	m->created_at = json_member_string(j, "createdAt");
	m->version = json_member_string(j, "version");
	if (!str_eq(json_member_string(j, "madeBy"), "kedge backup") ||
	    m->created_at == NULL || m->version == NULL || databases == NULL ||
	    json_kind(databases) != JSON_KIND_ARRAY ||
	    json_count(databases) > SPEC_SERVICES_MAX ||
	    (secrets != NULL && !parse_file(secrets, &m->secrets)))
		return false;
	for (i = 0; i < json_count(databases); i++) {
		item = json_item(databases, i);
		m->databases[i].service = json_member_string(item, "service");
		if (m->databases[i].service == NULL ||
		    !parse_file(item, &m->databases[i].file) ||
		    !backup_content_parse(a, item, &m->databases[i].content))
			return false;
		m->ndatabases++;
	}
	return true;
}

bool
backup_manifest_read(struct arena *a, const char *dir, bool quiet,
    struct backup_manifest *ret_manifest)
{
	const char *path = arena_printf(a, "%s/" BACKUP_MANIFEST, dir);
	const char *problem = "it is not a manifest of \"kedge backup\"";
	const struct json *j = NULL;
	char *text;
	size_t len;

	*ret_manifest = (struct backup_manifest){ 0 };
	text = file_find(a, path, &len);
	if (text == NULL)
		problem = strerror(errno);
	else
		j = json_read(a, text, len, &problem);
	if (j != NULL && parse(a, j, ret_manifest))
		return true;
	if (!quiet)
		print_error("%s: %s", path, problem);
	return false;
}
