/*
 * fuzz_mail_template: an operator's files are either refused with a sentence,
 * or can be filled with any value, which then appears escaped.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "mail/mail_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char root[64];

static void
put(struct arena *a, const char *name, const void *data, size_t len)
{
	FILE *f = fopen(arena_printf(a, "%s/%s", root, name), "w");

	assert(f != NULL && fwrite(data, 1, len, f) == len);
	assert(fclose(f) == 0);
}

static void
remove_all(void)
{
	struct arena *a = arena_new();

	unlink(arena_printf(a, "%s/s/m.en.txt", root));
	unlink(arena_printf(a, "%s/s/m.en.html", root));
	unlink(arena_printf(a, "%s/o/m.en.txt", root));
	unlink(arena_printf(a, "%s/o/m.en.html", root));
	rmdir(arena_printf(a, "%s/s", root));
	rmdir(arena_printf(a, "%s/o", root));
	rmdir(root);
	arena_free(a);
}

static void
make(struct arena *a)
{
	static const char txt[] = "Subject: S {{site}}\n\n{{url}}\n";
	static const char html[] = "{{url}}";

	if (*root != '\0')
		return;
	snprintf(root, sizeof(root), "/tmp/fuzz_mail.%d", (int)getpid());
	assert(mkdir(root, 0700) == 0);
	assert(mkdir(arena_printf(a, "%s/s", root), 0700) == 0);
	assert(mkdir(arena_printf(a, "%s/o", root), 0700) == 0);
	put(a, "s/m.en.txt", txt, strlen(txt));
	put(a, "s/m.en.html", html, strlen(html));
	atexit(remove_all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	size_t half = len / 2;
	const struct mail_value values[] = {
		{ "site", "<script>\"'&" },
		{ "url", "<script>\"'&" },
		{ NULL, NULL },
	};
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mail_templates *t;
	struct mail_rendered r;
	const char *language;

	make(a);
	put(a, "o/m.en.txt", data, half);
	put(a, "o/m.en.html", data + half, len - half);
	t = mail_templates_read(arena_printf(a, "%s/s", root),
	    arena_printf(a, "%s/o", root), problem);
	if (t == NULL) {
		assert(*problem != '\0');
	} else {
		language = mail_templates_language(
		    t, "m", arena_strndup(a, (const char *)data, len), "en");
		assert(strcmp(language, "en") == 0);
		if (mail_templates_render(t, a, "m", "en", values, &r) ==
		    ERR_OK)
			assert(strstr(r.html, "&lt;script&gt;") != NULL);
		mail_templates_free(t);
	}
	arena_free(a);
	return 0;
}
