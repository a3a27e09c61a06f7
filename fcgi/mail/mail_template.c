#include "mail/mail_template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mail/mail_message.h"

enum {
	NAME_MAX_BYTES = 64, /* of a message */
	LANGUAGE_MAX_BYTES = 16,
	PLACEHOLDER_MAX_BYTES = 32,
	LANGUAGES_WANTED_MAX = 16,
};

/* One message in one language. */
struct text {
	const char *name;
	const char *language;
	const char *subject;
	const char *body; /* NULL: no .txt was found yet */
	const char *html; /* NULL: no .html was found yet */
	const char *path; /* of the file that was read last, for messages */
	bool shipped;
};

struct mail_templates {
	struct arena *arena;
	struct text texts[MAIL_TEMPLATES_MAX];
	size_t count;
	char *problem; /* while they are read */
};

static bool complain(struct mail_templates *t, const char *fmt, ...)
    PRINTF(2, 3);

/* Always returns false, for `return complain(...)`. */
static bool
complain(struct mail_templates *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->problem, MAIL_PROBLEM_SIZE, fmt, args);
	va_end(args);
	return false;
}

/* -- placeholders -- */

/*
 * The placeholder at `s`, which begins with "{{": its name and the end of "}}".
 * False: it is none.
 */
static bool
read_placeholder(
    const char *s, char name[PLACEHOLDER_MAX_BYTES + 1], const char **ret_end)
{
	size_t len;

	s += 2;
	s += strspn(s, " ");
	len = strspn(s, "abcdefghijklmnopqrstuvwxyz_");
	if (len == 0 || len > PLACEHOLDER_MAX_BYTES)
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	s += len;
	s += strspn(s, " ");
	*ret_end = s + 2;
	return s[0] == '}' && s[1] == '}';
}

static bool
uses(const char *text, const char *wanted)
{
	char name[PLACEHOLDER_MAX_BYTES + 1];
	const char *end;

	for (const char *s = text; (s = strstr(s, "{{")) != NULL; s = end) {
		if (!read_placeholder(s, name, &end))
			end = s + 2;
		else if (str_eq(name, wanted))
			return true;
	}
	return false;
}

static int
line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* Whether the text only has placeholders that the shipped message has. */
static bool
check_text(struct mail_templates *t, const struct text *of,
    const struct text *declared, const char *text, const char *suffix,
    int first_line)
{
	char name[PLACEHOLDER_MAX_BYTES + 1];
	const char *end;

	for (const char *s = text; (s = strstr(s, "{{")) != NULL; s = end) {
		if (!read_placeholder(s, name, &end))
			return complain(t,
			    "%s.%s.%s, line %d: \"{{\" begins no placeholder; "
			    "write {{name}} with one of the names in the "
			    "shipped %s." MAIL_LANGUAGE_SHIPPED ".txt",
			    of->name, of->language, suffix,
			    first_line + line_of(text, s) - 1, of->name);
		if (!uses(declared->body, name) &&
		    !uses(declared->subject, name))
			return complain(t,
			    "%s.%s.%s, line %d: there is no placeholder {{%s}} "
			    "in this message; the shipped "
			    "%s." MAIL_LANGUAGE_SHIPPED
			    ".txt has those that exist",
			    of->name, of->language, suffix,
			    first_line + line_of(text, s) - 1, name, of->name);
	}
	return true;
}

/* The values without which a message is pointless. */
static const char *const essential[] = { "url", "code" };

static bool
check_essential(struct mail_templates *t, const struct text *of,
    const struct text *declared)
{
	for (size_t i = 0; i < COUNT_OF(essential); i++) {
		const char *name = essential[i];

		if (!uses(declared->body, name))
			continue;
		if (!uses(of->body, name) || !uses(of->html, name))
			return complain(t,
			    "%s.%s.%s does not contain {{%s}}, without which "
			    "the message is of no use; add it",
			    of->name, of->language,
			    uses(of->body, name) ? "html" : "txt", name);
	}
	return true;
}

/* -- files -- */

static struct text *
find(struct mail_templates *t, const char *name, size_t name_len,
    const char *language, size_t language_len)
{
	for (size_t i = 0; i < t->count; i++) {
		struct text *x = &t->texts[i];

		if (strlen(x->name) == name_len &&
		    memcmp(x->name, name, name_len) == 0 &&
		    strlen(x->language) == language_len &&
		    memcmp(x->language, language, language_len) == 0)
			return x;
	}
	return NULL;
}

static const struct text *
find_text(
    const struct mail_templates *t, const char *name, const char *language)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct text *x = &t->texts[i];

		if (str_eq(x->name, name) && str_eq(x->language, language))
			return x;
	}
	return NULL;
}

/* Returns the contents; NULL after a complaint. */
static char *
read_file(struct mail_templates *t, const char *path)
{
	char *text = arena_alloc(t->arena, MAIL_TEMPLATE_MAX_BYTES + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd == -1 || fstat(fd, &st) == -1) {
		complain(t, "cannot read %s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	while (S_ISREG(st.st_mode) && n > 0 && len <= MAIL_TEMPLATE_MAX_BYTES) {
		n = read(fd, text + len, MAIL_TEMPLATE_MAX_BYTES + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (!S_ISREG(st.st_mode) || n == -1)
		complain(t, "%s is no file that can be read", path);
	else if (len > MAIL_TEMPLATE_MAX_BYTES)
		complain(t, "%s is longer than %d bytes", path,
		    MAIL_TEMPLATE_MAX_BYTES);
	else if (!utf8_valid(text, len))
		complain(t, "%s is not UTF-8; save it as UTF-8", path);
	else
		return arena_strndup(t->arena, text, len);
	return NULL;
}

/* Takes "Subject: ..." off the beginning of a text. */
static bool
take_subject(struct mail_templates *t, struct text *x, char *text)
{
	static const char mark[] = "Subject: ";
	size_t len = strcspn(text, "\r\n");
	char *rest = text + len;

	rest += strspn(rest, "\r");
	rest += *rest == '\n';
	if (!str_has_prefix(text, mark) || len == strlen(mark) ||
	    (*rest != '\n' && !str_has_prefix(rest, "\r\n")))
		return complain(t,
		    "%s: the first line must be \"Subject: ...\" and the "
		    "second "
		    "one empty",
		    x->path);
	rest += strspn(rest, "\r");
	x->subject =
	    arena_strndup(t->arena, text + strlen(mark), len - strlen(mark));
	x->body = rest + 1;
	return true;
}

/* NAME.LANGUAGE.txt or .html; false for a name that is neither. */
static bool
read_name(const char *file, size_t *ret_name_len, const char **ret_language,
    size_t *ret_language_len, bool *ret_html)
{
	size_t len = strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789-");
	const char *language = file + len + 1;
	size_t n;

	if (len == 0 || len > NAME_MAX_BYTES || file[len] != '.')
		return false;
	n = strspn(language, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
	if (n < 2 || n > LANGUAGE_MAX_BYTES)
		return false;
	*ret_html = str_eq(language + n, ".html");
	*ret_name_len = len;
	*ret_language = language;
	*ret_language_len = n;
	return *ret_html || str_eq(language + n, ".txt");
}

static bool
read_template(struct mail_templates *t, const char *directory, const char *file,
    bool shipped)
{
	struct arena *a = t->arena;
	const char *path = arena_printf(a, "%s/%s", directory, file);
	const char *language;
	size_t name_len, language_len;
	bool html;
	struct text *x;
	char *text;

	if (!read_name(file, &name_len, &language, &language_len, &html))
		return complain(t,
		    "%s: a template is named MESSAGE.LANGUAGE.txt or .html; "
		    "rename the file, or move it away",
		    path);
	x = find(t, file, name_len, language, language_len);
	if (x == NULL) {
		if (t->count == MAIL_TEMPLATES_MAX)
			return complain(t,
			    "%s: there are more than %d "
			    "templates",
			    path, MAIL_TEMPLATES_MAX);
		x = &t->texts[t->count++];
		x->name = arena_strndup(a, file, name_len);
		x->language = arena_strndup(a, language, language_len);
		x->shipped = shipped;
	}
	text = read_file(t, path);
	if (text == NULL)
		return false;
	x->path = path;
	if (!html)
		return take_subject(t, x, text);
	x->html = text;
	return true;
}

/* Ignore hidden files and backup files of editors: they are no templates. */
static bool
is_ignored(const char *file)
{
	size_t len = strlen(file);

	return file[0] == '.' || file[len - 1] == '~' ||
	       str_eq(file, "README.md");
}

static bool
read_directory(struct mail_templates *t, const char *directory, bool shipped)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	bool good = true;

	if (d == NULL && errno == ENOENT && !shipped)
		return true;
	if (d == NULL)
		return complain(t,
		    "cannot read the directory of mail "
		    "templates %s: %s",
		    directory, strerror(errno));
	while (good && (entry = readdir(d)) != NULL) {
		if (!is_ignored(entry->d_name))
			good =
			    read_template(t, directory, entry->d_name, shipped);
	}
	closedir(d);
	return good;
}

static bool
check_all(struct mail_templates *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct text *x = &t->texts[i];
		const struct text *declared =
		    find_text(t, x->name, MAIL_LANGUAGE_SHIPPED);

		if (declared == NULL || !declared->shipped)
			return complain(t,
			    "%s: there is no message \"%s\"; correct the name",
			    x->path, x->name);
		if (x->body == NULL || x->html == NULL)
			return complain(t,
			    "there is no %s.%s.%s beside %s; each language "
			    "needs both",
			    x->name, x->language,
			    x->body == NULL ? "txt" : "html", x->path);
	}
	return true;
}

/* The placeholders that exist, before the operator's files replace them. */
struct declared {
	struct text texts[MAIL_TEMPLATES_MAX];
	size_t count;
};

static bool
check_placeholders(struct mail_templates *t, const struct declared *declared)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct text *x = &t->texts[i], *d = NULL;

		for (size_t k = 0; k < declared->count && d == NULL; k++) {
			if (str_eq(declared->texts[k].name, x->name) &&
			    str_eq(declared->texts[k].language,
				MAIL_LANGUAGE_SHIPPED))
				d = &declared->texts[k];
		}
		if (d == NULL || d->body == NULL)
			return complain(
			    t, "%s: there is no such message", x->path);
		if (!check_text(t, x, d, x->subject, "txt", 1) ||
		    !check_text(t, x, d, x->body, "txt", 3) ||
		    !check_text(t, x, d, x->html, "html", 1) ||
		    !check_essential(t, x, d))
			return false;
	}
	return true;
}

struct mail_templates *
mail_templates_read(
    const char *shipped, const char *own, char ret_problem[MAIL_PROBLEM_SIZE])
{
	struct mail_templates *t = calloc(1, sizeof(*t));
	struct declared *declared = calloc(1, sizeof(*declared));
	bool good;

	if (t == NULL || declared == NULL)
		abort();
	t->arena = arena_new();
	t->problem = ret_problem;
	good = read_directory(t, shipped, /* shipped= */ true);
	memcpy(declared->texts, t->texts, sizeof(t->texts));
	declared->count = t->count;
	if (good && own != NULL && *own != '\0')
		good = read_directory(t, own, /* shipped= */ false);
	good = good && check_all(t) && check_placeholders(t, declared);
	free(declared);
	t->problem = NULL;
	if (good)
		return t;
	mail_templates_free(t);
	return NULL;
}

void
mail_templates_free(struct mail_templates *t)
{
	if (t == NULL)
		return;
	arena_free(t->arena);
	free(t);
}

bool
mail_templates_has(const struct mail_templates *t, const char *name,
    const char *const *names, char ret_problem[MAIL_PROBLEM_SIZE])
{
	const struct text *x = find_text(t, name, MAIL_LANGUAGE_SHIPPED);
	char used[PLACEHOLDER_MAX_BYTES + 1];
	const char *parts[3], *end;

	if (x == NULL) {
		snprintf(ret_problem, MAIL_PROBLEM_SIZE,
		    "there is no template %s." MAIL_LANGUAGE_SHIPPED
		    ".txt among the shipped ones: install Kedge's files again",
		    name);
		return false;
	}
	parts[0] = x->subject;
	parts[1] = x->body;
	parts[2] = x->html;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		for (const char *s = parts[i]; (s = strstr(s, "{{")) != NULL;
		     s = end) {
			const char *const *n = names;

			if (!read_placeholder(s, used, &end))
				return false;
			while (*n != NULL && !str_eq(*n, used))
				n++;
			if (*n != NULL)
				continue;
			snprintf(ret_problem, MAIL_PROBLEM_SIZE,
			    "the message %s has no value {{%s}}: the templates "
			    "are of another release",
			    name, used);
			return false;
		}
	}
	return true;
}

/* -- languages -- */

/* Whether the message exists in the language of len bytes, in any case. */
static const char *
language_in(const struct mail_templates *t, const char *name,
    const char *language, size_t len)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct text *x = &t->texts[i];

		if (str_eq(x->name, name) && strlen(x->language) == len &&
		    strncasecmp(x->language, language, len) == 0)
			return x->language;
	}
	return NULL;
}

/* "de-AT", then "de". */
static const char *
best_for(const struct mail_templates *t, const char *name, const char *range,
    size_t len)
{
	while (len > 0) {
		const char *language = language_in(t, name, range, len);

		if (language != NULL)
			return language;
		while (len > 0 && range[len - 1] != '-')
			len--;
		len -= len > 0;
	}
	return NULL;
}

/* The weight of "de;q=0.5", in thousandths; 1000 without one. */
static int
weight_of(const char *s, size_t len)
{
	int weight = 0, unit = 1000;
	const char *q = memchr(s, ';', len);
	const char *end = s + len;

	if (q == NULL)
		return 1000;
	q++;
	while (q < end && *q == ' ')
		q++;
	if (end - q < 3 || (*q != 'q' && *q != 'Q') || q[1] != '=')
		return 0;
	for (q += 2; q < end && unit > 0; q++) {
		if (*q == '.')
			continue;
		if (*q < '0' || *q > '9')
			break;
		weight += (*q - '0') * unit;
		unit /= 10;
	}
	return weight > 1000 ? 1000 : weight;
}

const char *
mail_templates_language(const struct mail_templates *t, const char *name,
    const char *wanted, const char *fallback)
{
	const char *best = NULL, *found;
	const char *s = wanted != NULL ? wanted : "";
	int best_weight = 0;

	for (int i = 0; *s != '\0' && i < LANGUAGES_WANTED_MAX; i++) {
		size_t len = strcspn(s, ","), range;
		int weight;

		while (len > 0 && *s == ' ') {
			s++;
			len--;
		}
		range = strcspn(s, ",; ");
		weight = weight_of(s, len);
		found =
		    weight > best_weight ? best_for(t, name, s, range) : NULL;
		if (found != NULL) {
			best = found;
			best_weight = weight;
		}
		s += len + (s[len] == ',');
	}
	if (best == NULL && fallback != NULL)
		best = best_for(t, name, fallback, strlen(fallback));
	return best != NULL ? best : MAIL_LANGUAGE_SHIPPED;
}

/* -- rendering -- */

static void
put_value(struct buf *b, const char *value, bool html)
{
	for (const char *s = value; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == 0x7f)
			buf_putc(b, ' ');
		else if (html && c == '&')
			buf_puts(b, "&amp;");
		else if (html && c == '<')
			buf_puts(b, "&lt;");
		else if (html && c == '>')
			buf_puts(b, "&gt;");
		else if (html && c == '"')
			buf_puts(b, "&quot;");
		else if (html && c == '\'')
			buf_puts(b, "&#39;");
		else
			buf_putc(b, (char)c);
	}
}

static const char *
value_of(const struct mail_value *values, const char *name)
{
	for (; values->name != NULL; values++) {
		if (str_eq(values->name, name))
			return values->text;
	}
	return NULL;
}

/* Returns NULL if a value is missing or the result is too long. */
static const char *
fill(struct arena *a, const char *text, const struct mail_value *values,
    bool html, size_t max_bytes)
{
	char name[PLACEHOLDER_MAX_BYTES + 1];
	const char *open, *end, *value;
	struct buf b;

	buf_init(&b, a, max_bytes);
	while ((open = strstr(text, "{{")) != NULL) {
		buf_put(&b, text, (size_t)(open - text));
		if (!read_placeholder(open, name, &end))
			return NULL;
		value = value_of(values, name);
		if (value == NULL)
			return NULL;
		put_value(&b, value, html);
		text = end;
	}
	buf_puts(&b, text);
	return buf_failed(&b) ? NULL : b.data;
}

enum err
mail_templates_render(const struct mail_templates *t, struct arena *a,
    const char *name, const char *language, const struct mail_value *values,
    struct mail_rendered *ret_rendered)
{
	const struct text *x = find_text(t, name, language);
	struct mail_rendered out;

	if (x == NULL)
		return ERR_INVALID;
	out.subject = fill(
	    a, x->subject, values, /* html= */ false, MAIL_SUBJECT_MAX_BYTES);
	out.text =
	    fill(a, x->body, values, /* html= */ false, MAIL_BODY_MAX_BYTES);
	out.html =
	    fill(a, x->html, values, /* html= */ true, MAIL_BODY_MAX_BYTES);
	if (out.subject == NULL || out.text == NULL || out.html == NULL)
		return ERR_INVALID;
	*ret_rendered = out;
	return ERR_OK;
}
